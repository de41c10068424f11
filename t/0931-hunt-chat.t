#!/bin/sh
# ts-chat at the edges: a reader that leaves, a batch that is too long, an end before the beginning.
. "${0%/*}/lib.sh"

{
	echo '{"match":{"role":"tool"},"content":"done"}'
	echo '{"match":"hang","content":"begun","tool_calls":[{"name":"bash","arguments":{"command":"sleep 60.93"}}]}'
	printf '{"match":"long","tool_calls":[{"name":"bash","arguments":{"command":"true %s"}}]}\n' \
		"$(head -c 9000000 /dev/zero | tr '\0' x)"
} >script
start_mock --script script
left() { find "$XDG_RUNTIME_DIR/turnstone" -mindepth 1 -maxdepth 1 ! -name jail; }

ts-chat --skip-permissions --no-stdin hang 2>/dev/null | grep -m 1 running >/dev/null
is "a reader that leaves: no state stays behind" "$(left)" ""

ts-chat --skip-permissions --no-stdin long >events
like "a batch too long to be passed on is not run, which is certain" \
	"$(jq -c 'select(.type == "tool_result") | [.status, .output]' events)" '^\["error","not run: '
is "and the turn goes on" "$(tail -n 1 events | jq -r '.text')" "done"

kill -STOP "$mock_pid"
background ts-chat --no-stdin hello >events
wait_for 10 sh -c "grep -q SigCgt:.*4... /proc/$pid/status"
kill -TERM "$pid"
wait "$pid"
is "terminated before the model is known" "$?" 143
kill -CONT "$mock_pid"
is "it still begins with the session and ends with the result" \
	"$(jq -r .type events | sed -n '1p;$p' | tr '\n' ' ')" "session result "
done_testing
