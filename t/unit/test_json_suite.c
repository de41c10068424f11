/*
 * JSON against the public suite of test_parsing files, where that is at hand:
 * y_ must be accepted, n_ refused, i_ may be either but must not crash.
 */
#include "data/json.h"

#include "tap.h"

#include <dirent.h>
#include <stdlib.h>

#define SUITE "../shared/data/json-parsing/test_parsing"

enum { FILE_MOST = 1 << 20 };

/* What json.h refuses on purpose: NUL, which C strings cannot hold, and very long numbers. */
static const char *const stricter[] = {
    "y_number_double_close_to_zero.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
    NULL,
};

static bool is_stricter(const char *name)
{
    for (size_t i = 0; stricter[i] != NULL; i++) {
        if (strcmp(stricter[i], name) == 0)
            return true;
    }
    return false;
}

static void check_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, SUITE "/%s", name);
    FILE *file = fopen(path, "r");
    char *text = malloc(FILE_MOST);
    if (file == NULL || text == NULL) {
        ok(false, "%s can be read", name);
    } else {
        struct error error = {""};
        size_t length = fread(text, 1, FILE_MOST, file);
        cJSON *tree = json_parse(text, length, &error);
        bool accepted = tree != NULL;
        json_free(tree);
        ok(accepted == (json_check(text, length, NULL) == 0), "%s: check and parse agree", name);
        if (name[0] == 'y')
            ok(accepted != is_stricter(name), "%s: %s", name, error.text);
        else if (name[0] == 'n')
            ok(!accepted && error.text[0] != '\0', "%s: refused", name);
    }
    free(text);
    if (file != NULL)
        fclose(file);
}

int main(void)
{
    DIR *directory = opendir(SUITE);
    if (directory == NULL) {
        printf("1..0 # SKIP the JSON test suite is not at %s\n", SUITE);
        return 0;
    }
    struct dirent *entry;
    int count = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (strchr("yni", entry->d_name[0]) != NULL && entry->d_name[1] == '_') {
            check_file(entry->d_name);
            count++;
        }
    }
    closedir(directory);
    ok(count > 300, "the suite has hundreds of files");
    return tap_done();
}
