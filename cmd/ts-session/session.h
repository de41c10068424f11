/* What the parts of ts-session share: one function per subcommand, each returning an exit code. */
#ifndef CMD_TS_SESSION_H
#define CMD_TS_SESSION_H

#include "base/exit_code.h"
#include "common/columns.h"
#include "common/program.h"
#include "data/json.h"
#include "data/store_session.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { LIST_DEFAULT = 20, AUDIT_DEFAULT = 100, LIMIT_MOST = 10000 };

struct request {
    struct store *store;
    char directory[PATH_MAX]; /* the working directory */
    bool all;                 /* --all: also agents' */
    bool here;                /* --here: only of the working directory */
    bool json;
    bool newest;
    int64_t limit;   /* 0: the command's own */
    char **operands; /* behind the subcommand; ends with NULL */
};

int list_sessions(const struct request *request);
int show_session(const struct request *request);
int search_messages(const struct request *request);
int name_session(const struct request *request);
int delete_sessions(const struct request *request);
int show_audit(const struct request *request);
int check_store(const struct request *request);

/* The session a person means, or the end with EXIT_FAILED. */
void require_session(
    const struct request *request, const char *name, struct store_session *session);

/* The store failed: says so and ends. */
noreturn void store_failed(const struct error *error);

/* One line of JSON on stdout; the tree is freed. NULL: memory is short, which ends the program. */
void print_object(cJSON *object);

/* What `list` and `show` tell of a session. NULL: memory is short. */
cJSON *describe_session(const struct request *request, const struct store_session *session);

#endif
