/*
 * disk_usage: what takes space below a directory. A tool in C, of libc and cJSON.
 *
 * Started as `disk_usage run` with the arguments, a JSON object, on stdin; prints the answer and
 * exits 0, or says on stderr what it tried and why it failed, and exits 1 (tooldef(5)).
 */
#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ARGUMENTS_LIMIT = 65536,
    ENTRIES_LIMIT = 100000,
    SHOWN = 20,
    FILES_PER_MESSAGE = 50000,
};

struct entry {
    char *name;
    int64_t bytes;
};

static struct entry entries[ENTRIES_LIMIT];
static size_t entry_count;

static _Noreturn void fail(const char *what, const char *on)
{
    fprintf(stderr, "disk_usage: %s '%s': %s\n", what, on, strerror(errno));
    exit(EXIT_FAILURE);
}

/* A line to whoever runs us, if anybody does. */
static void tell(const char *type, const char *key, const char *text)
{
    const char *descriptor = getenv("TS_EVENT_FD");
    cJSON *line = cJSON_CreateObject();
    if (descriptor != NULL && cJSON_AddStringToObject(line, "type", type) != NULL &&
        cJSON_AddStringToObject(line, key, text) != NULL) {
        char *printed = cJSON_PrintUnformatted(line);
        if (printed != NULL)
            dprintf(atoi(descriptor), "%s\n", printed);
        free(printed);
    }
    cJSON_Delete(line);
}

static int64_t measure(const char *path)
{
    char *const roots[] = {(char *)path, NULL};
    char message[64];
    struct entry *entry = NULL;
    int64_t total = 0;
    size_t files = 0;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        fail("walk through", path);
    for (FTSENT *file; (file = fts_read(tree)) != NULL;) {
        if (file->fts_info == FTS_DP || file->fts_info == FTS_ERR || file->fts_info == FTS_NS)
            continue;
        if (file->fts_level == 1) {
            entry = entry_count < ENTRIES_LIMIT ? &entries[entry_count++] : NULL;
            if (entry != NULL && (entry->name = strdup(file->fts_name)) == NULL)
                fail("remember", file->fts_name);
        }
        int64_t bytes = (int64_t)file->fts_statp->st_blocks * 512;
        total += bytes;
        if (entry != NULL)
            entry->bytes += bytes;
        if (++files % FILES_PER_MESSAGE == 0) {
            snprintf(message, sizeof message, "%zu files", files);
            tell("progress", "message", message);
        }
    }
    fts_close(tree);
    return total;
}

static int larger_first(const void *left, const void *right)
{
    const struct entry *one = left, *other = right;
    return (one->bytes < other->bytes) - (one->bytes > other->bytes);
}

static void show(const char *path, int64_t total, size_t count)
{
    char summary[64];
    qsort(entries, entry_count, sizeof entries[0], larger_first);
    printf("%12" PRId64 "  %s\n", total, path);
    for (size_t i = 0; i < entry_count && i < count; i++)
        printf("%12" PRId64 "  %s\n", entries[i].bytes, entries[i].name);
    if (entry_count > count)
        printf("[%zu more]\n", entry_count - count);
    snprintf(summary, sizeof summary, "%" PRId64 " bytes in %zu entries", total, entry_count);
    tell("display", "text", summary);
}

int main(int argc, char **argv)
{
    static char text[ARGUMENTS_LIMIT];
    size_t length = fread(text, 1, sizeof text - 1, stdin);
    cJSON *arguments = cJSON_ParseWithLength(text, length);
    if (argc != 2 || strcmp(argv[1], "run") != 0 || !cJSON_IsObject(arguments)) {
        fputs("usage: disk_usage run < arguments.json\n", stderr);
        return 2;
    }
    /* What the definition's schema says has been checked: a path is a string, a count an integer.
     */
    const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(arguments, "path"));
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(arguments, "count");
    if (path == NULL)
        path = ".";
    if (access(path, R_OK) < 0)
        fail("read", path);
    show(path, measure(path), cJSON_IsNumber(count) ? (size_t)count->valuedouble : SHOWN);
    cJSON_Delete(arguments);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
