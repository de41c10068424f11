/* --check: what is wrong with a directory of tool definitions. */
#ifndef TS_TOOL_PREP_CHECK_H
#define TS_TOOL_PREP_CHECK_H

/* Lists the tools on stdout, and all that is wrong with them on stderr. An exit code. */
int check_definitions(const char *directory);

#endif
