/*
 * The tools there are: one JSON file each, tooldef(5).
 *
 * A file NAME.json is the single source of what the model is told (name,
 * description, parameters), of how the call is shown and approved, and of the
 * program that does the work. Files are read strictly: an unknown member, a
 * wrong type or a schema keyword that is not enforced is an error that names
 * the file and the member, because a rule with a typing error protects nobody.
 *
 * A set owns everything in it. Its tools are sorted by name, so that the list
 * sent to the model is the same bytes every time.
 */
#ifndef AGENT_TOOLDEF_H
#define AGENT_TOOLDEF_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer;

enum tool_sandbox {
    TOOL_SANDBOX_WORKSPACE, /* ts-jail's profile, unless a person saw the call */
    TOOL_SANDBOX_SELF,      /* the tool jails its risky part itself; shipped tools only */
    TOOL_SANDBOX_STRICT,    /* jailed whoever saw the call, the project read-only, no network */
};

/* Which keys a tool of sandbox "self" is given, or-ed. */
enum tool_needs { TOOL_NEEDS_MODEL = 1, TOOL_NEEDS_SEARCH = 2 };

enum tool_preview {
    TOOL_PREVIEW_NONE,
    TOOL_PREVIEW_TEMPLATE, /* preview holds a template (agent/template.h) */
    TOOL_PREVIEW_PROGRAM,  /* the program answers `prepare` */
};

/* Which tools of a set. */
enum tool_group { TOOL_GROUP_ALL, TOOL_GROUP_AGENT, TOOL_GROUP_TASK };

struct tool_definition {
    char *file; /* where it was read from, absolute or as the directory was given */
    char *name;
    char *description;
    bool of_project;        /* from .turnstone/tools: see agent/project_tools.h */
    bool generated;         /* by tool_set_add: its schema may leave things open */
    cJSON *parameters;      /* a schema that schema_check accepts, or schema_check_open */
    cJSON *wire_parameters; /* what the model is sent instead; NULL: parameters */

    char *program; /* absolute path of the executable */
    char **argv; /* the words behind the program; prepare or run comes after them; ends with NULL */
    double timeout; /* seconds for one run; 0: the configured one */
    enum tool_sandbox sandbox;
    unsigned needs; /* enum tool_needs */
    bool network;   /* may use it when jailed */
    bool stream;    /* lines of its stdout are shown as they come */
    bool state;     /* may use the conversation's state directory */
    bool read_only; /* changes nothing */
    bool parallel;  /* may run beside the other calls of its batch */

    bool agent;                   /* offered to the planning agent */
    bool task_agent;              /* offered to the task agent */
    bool auto_approve;            /* runs without asking while its paths stay inside the roots */
    enum tool_group starts_agent; /* what it runs is offered these tools; ALL: it starts none */
    char *primary_key;            /* the one argument that suffices; NULL: none */
    char **paths;                 /* names of the arguments that are paths; ends with NULL */

    char *header; /* template of what stands behind "NAME: "; NULL: the primary key's first line */
    enum tool_preview preview_kind;
    char *preview; /* the template; NULL otherwise */
};

struct tool_set {
    struct tool_definition *tools;
    size_t count;
};

/*
 * Load the shipped tools (from TS_TOOLDEFS_DIR when that is set) and the user's:
 * those in tools_dir, a directory that must then exist, or (NULL) those in
 * ~/.config/turnstone/tools when it does. 0, or -1 with a sentence and an empty set.
 */
int tool_set_load(struct tool_set *set, const char *tools_dir, struct error *error);

/*
 * Add the tools of one directory; set was zeroed or loaded before. shipped ones
 * may use the sandbox "self" and find their program in libexec. 0, or -1 with a
 * sentence; the set then holds what was added before.
 */
int tool_set_add_directory(
    struct tool_set *set, const char *directory, bool shipped, struct error *error);

/*
 * Add one definition that was not read from a file, as those of MCP servers.
 * origin says in errors where it comes from; a relative program is looked for
 * in directory, for a shipped one also among our own. 0, or -1 with a sentence,
 * and the set as it was. Call tool_set_sort when all are in.
 */
int tool_set_add(struct tool_set *set, const cJSON *definition, const char *origin,
    const char *directory, bool shipped, struct error *error);
void tool_set_sort(struct tool_set *set);

/* Add the definition that text is, as if it had been read from file_name in directory; not a
 * shipped one. 0, or -1 with a sentence, and the set as it was. */
int tool_set_add_text(struct tool_set *set, const char *text, size_t length, const char *directory,
    const char *file_name, struct error *error);

/* The word of the definition: "workspace", "self", "strict". */
const char *tool_sandbox_word(enum tool_sandbox sandbox);

/* Keep only the tools in names, separated by commas; "none" keeps none. An unknown name: -1 with a
 * sentence. */
int tool_set_keep(struct tool_set *set, const char *names, struct error *error);

/* Keep only those of a group. */
void tool_set_keep_group(struct tool_set *set, enum tool_group group);
/* Leave out those that can do nothing without these (enum tool_needs): they need nothing else. */
void tool_set_drop_needing(struct tool_set *set, unsigned needs);
bool tool_in_group(const struct tool_definition *tool, enum tool_group group);

/* Whether a file of this name is one: "NAME.json", not hidden. */
bool tool_is_definition(const char *file_name);

void tool_set_release(struct tool_set *set);
void tool_definition_release(struct tool_definition *tool);

/* NULL: there is none of this name. */
const struct tool_definition *tool_set_find(const struct tool_set *set, const char *name);

/* Append the request's "tools" value, a JSON array; empty group: "[]". 0, or -1 (errno). */
int tool_set_append_wire(const struct tool_set *set, enum tool_group group, struct buffer *buffer);

#endif
