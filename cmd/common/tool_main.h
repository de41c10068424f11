/*
 * The main of every tool program: which of `prepare` and `run` is meant, the
 * call in, the output or the error out (tooldef(5)).
 */
#ifndef CMD_COMMON_TOOL_MAIN_H
#define CMD_COMMON_TOOL_MAIN_H

#include "agent/tool.h"

/* Returns the exit code: 0; 1 with a sentence on stderr for the model; 2 for wrong usage. */
int tool_main(const struct tool *tool, int argc, char **argv);

#endif
