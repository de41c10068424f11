#!/bin/sh
# The pipe in unusual places: no HOME, no sandbox to be had, files that may not grow, many prompts.
. "${0%/*}/lib.sh"

cat >script <<'END'
{"match":{"role":"tool"},"content":"done"}
{"match":"list","tool_calls":[{"name":"bash","arguments":{"command":"echo listed"}}]}
{"match":"count","tool_calls":[{"name":"bash","arguments":{"command":"seq 300000"}}]}
{"match":"hi","content":"hello"}
END
start_mock --script script
result() { jq -r "select(.type == \"tool_result\").$1" events; }

(
	unset HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
	export TURNSTONE_DB="$WORK/turnstone.db"
	ts-chat --no-stdin --sandbox off --skip-permissions list >events
)
is "without HOME the home of the user database is taken" "$(result output)" listed

# Here there is no sandbox, so nothing can say more about a call than its arguments.
cd "$HOME" || exit 1
mkfifo in
ts-chat --ndjson <in >events &
chat=$!
background_pids="$background_pids $chat"
exec 3>in
echo '{"type":"send","message":"list"}' >&3
ok "in the home directory a person is asked" wait_for 10 grep -q approval_request events
like "and sees the arguments, and that there is no sandbox" \
	"$(jq -r 'select(.type == "approval_request").items[0].preview' events)" 'no sandbox.*home directory'
like "in full" "$(jq -r 'select(.type == "approval_request").items[0].preview' events)" 'command: echo listed'
jq -c 'select(.type == "approval_request") | {type: "approve", request_id, approved: true}' events >&3
ok "what the person allows runs" wait_for 10 grep -q tool_result events
is "outside of the sandbox that cannot be had" "$(result output)" listed
exec 3>&-
wait "$chat"
ts-chat --no-stdin --skip-permissions list >events
like "a call that nobody saw is refused there" "$(result status) $(result output)" '^error.*home directory'
cd "$WORK/project" || exit 1

(
	ulimit -f 64
	ts-chat --no-save --no-stdin --skip-permissions count | jq -c 'select(.type == "tool_result")' | cat
) | cat >"$WORK/limited"
is "a full text that may not be written does not cost the result" \
	"$(jq -r .status "$WORK/limited")" ok
limited=$(sh -c 'ulimit -f 0; ts-chat --no-save --no-stdin hi 2>&1 >none; echo "exit $?"')
like "an output that may not grow: exit code" "$limited" '^exit 111$'
like "and the reason" "$limited" 'write to stdout: File too large'

i=0
while [ "$i" -lt 1000 ]; do
	i=$((i + 1))
	echo '{"type":"send","message":"hi"}'
done | ts-chat --ndjson >events
is "a thousand prompts at once are all answered" "$(grep -c '"type":"turn_complete"' events)" 1000
done_testing
