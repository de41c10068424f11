/* check, path and toml-json: about files, not about values. */
#include "base/buffer.h"
#include "common/program.h"
#include "data/toml.h"
#include "io/paths.h"
#include "ts_config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPORT_LIMIT = 1 << 20 }; /* bytes of all errors of one file */

void warn_each(const char *lines)
{
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        warn("%.*s", (int)length, lines);
        lines += length;
        lines += *lines == '\n';
    }
}

/* Check. */

static bool check_file(const char *path)
{
    struct buffer report;
    buffer_init(&report, REPORT_LIMIT);
    int status = config_check_file(path, settings_warn, &report);
    warn_each(report.data);
    buffer_release(&report);
    if (status == 0)
        printf("%s: good\n", path);
    return status == 0;
}

int check_files(const struct request *request)
{
    if (request->operands[0] == NULL) {
        struct config *config = settings_load(&request->settings);
        enum config_origin origin;
        const char *path;
        for (size_t i = 0; (path = config_file(config, i, &origin)) != NULL; i++)
            printf("%s: good\n", path);
        config_free(config);
        return EXIT_DONE;
    }
    bool good = true;
    for (char **path = request->operands; *path != NULL; path++)
        good = check_file(*path) && good;
    return good ? EXIT_DONE : EXIT_CONFIG;
}

/* Path. */

static void print_path(const char *what, const char *path)
{
    printf("%-8s %s%s\n", what, path, access(path, F_OK) == 0 ? "" : " (not there)");
}

int print_paths(const struct request *request)
{
    char path[PATH_MAX];
    struct error error;
    const char *given = request->settings.file;
    if (given == NULL)
        given = getenv("TURNSTONE_CONFIG");
    print_path("system", config_system_file());
    if (given != NULL && given[0] != '\0')
        print_path("user", given);
    else if (paths_user(path, sizeof path, PATHS_CONFIG, "config.toml", &error) == 0)
        print_path("user", path);
    else
        warn("%s", error.text);
    if (config_find_project(path))
        print_path("project", path);
    return EXIT_DONE;
}

/* toml-json, for the TOML test suite. */

static void read_all(const char *path, struct buffer *content)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        die(EXIT_FAILED, "open '%s': %s", path, strerror(errno));
    for (;;) {
        if (buffer_reserve(content, 65536) < 0)
            die(EXIT_FAILED, "read '%s': %s", path, strerror(errno));
        ssize_t count = read(fd, content->data + content->length, 65536);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            die(EXIT_FAILED, "read '%s': %s", path, strerror(errno));
        content->length += (size_t)count;
        content->data[content->length] = '\0';
        if (count == 0)
            break;
    }
    if (fd != STDIN_FILENO)
        close(fd);
}

int print_toml(const struct request *request)
{
    const char *path = request->operands[0] != NULL ? request->operands[0] : "-";
    struct buffer content, json;
    struct error error;
    buffer_init(&content, TOML_SIZE_LIMIT + 65536 * 2);
    buffer_init(&json, (size_t)64 * TOML_SIZE_LIMIT);
    read_all(path, &content);
    struct toml_document *document = toml_parse(content.data, content.length, path, &error);
    if (document == NULL)
        die(EXIT_FAILED, "%s", error.text);
    if (toml_append_json(&json, toml_root(document), TOML_JSON_TAGGED) < 0)
        die(EXIT_SYSTEM, "print '%s': %s", path, strerror(errno));
    puts(json.data);
    toml_free(document);
    buffer_release(&json);
    buffer_release(&content);
    return EXIT_DONE;
}
