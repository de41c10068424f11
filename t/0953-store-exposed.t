#!/bin/sh
# A database that somebody keeps elsewhere than with our own files is not for tools.
# shellcheck disable=SC2016 # commands for bash
. "${0%/*}/lib.sh"
need_sandbox

call() { # TOOL ARGUMENTS: output of the call, run without a question
	jq -nc --arg t "$1" --arg a "$2" '{type: "tool_batch", calls: [{call_id: "c1", name: $t, arguments: $a}]}' |
		timeout 30 ts-tool-prep | ts-approve --skip-permissions | timeout 30 ts-tool-exec |
		jq -r 'select(.type == "tool_result") | .output'
}

# Beside the project, where all can be seen: not below /tmp, which is hidden anyway.
TMPDIR=/var/tmp
place=$(mktemp -d "$TMPDIR/turnstone-test.XXXXXX") || exit 1
trap 'rm -rf "$place"; finish' EXIT
TURNSTONE_DB=$place/my.db
export TURNSTONE_DB
ts-memory remember secret 'a marker of another conversation'
echo 'a plain marker' >"$place/plain"
like "what lies beside it is seen" "$(call bash "{\"command\":\"cat $place/plain\"}")" 'plain marker'
unlike "bash does not read it" "$(call bash "{\"command\":\"cat $place/my.db* $place/audit.ndjson 2>/dev/null; true\"}")" 'marker|"event"'
found=$(call search "{\"query\":\"marker\",\"path\":\"$place\"}")
like "a search beside it" "$found" 'plain marker'
unlike "does not find it" "$found" 'another conversation'
like "read_file is refused" "$(call read_file "{\"path\":\"$place/audit.ndjson\"}")" 'off limits'

# In the project, a command could write to it.
TURNSTONE_DB=my.db
ts-memory remember secret 'a marker of another conversation'
like "in the project: no command runs in the sandbox" "$(call bash '{"command":"echo ran >ran"}')" 'not run: the database'
ok "indeed not" test ! -e ran
like "nor is it written by a tool" "$(call write_file '{"path":"my.db-wal","content":"x"}')" 'off limits'
like "what only reads does" "$(call search '{"query":"marker of","path":"."}')" 'no matches'
TURNSTONE_DB=$place/my.db TURNSTONE_TOOLS_ROOTS=$place
export TURNSTONE_TOOLS_ROOTS
like "in a further root: the same" "$(call bash '{"command":"echo ran >ran"}')" 'not run: the database'

done_testing
