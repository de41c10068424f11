#!/bin/sh
# ts-chat --ndjson: commands that queue, are answered, cancelled and refused.
. "${0%/*}/lib.sh"

nap=$((100000 + $$)) # a sleep that no other test has

cat >script <<E2
{"match":{"contains":"slow"},"content":["a","b","c"],"chunk_delay_ms":20000}
{"match":{"role":"user","contains":"run"},"tool_calls":[{"name":"bash","id":"x","arguments":{"command":"echo ran"}}]}
{"match":{"role":"user","contains":"hang"},"tool_calls":[{"name":"bash","id":"y","arguments":{"command":"echo begun; sleep $nap"}}]}
{"match":{"role":"tool"},"content":"tool: {{last_tool_result}}"}
{"times":"always","content":"you said {{last_user}}"}
E2
start_mock --script script --log requests

printf '%s\n' '{"type":"send","message":"one","correlation_id":"c1"}' \
	'{"type":"send","message":"two","correlation_id":"c2"}' '{"type":"ping","correlation_id":"p"}' |
	ts-chat --ndjson >events
is "two sends: exit code" "$?" 0
is "each has its own turn_complete" \
	"$(jq -r 'select(.type=="turn_complete").correlation_id' events | tr '\n' ' ')" "c1 c2 "
is "the second one waited" "$(jq -c 'select(.type=="queued")|[.correlation_id,.position]' events)" '["c2",1]'
is "ping is answered" "$(jq -r 'select(.type=="pong").correlation_id' events)" p
is "one session, one result" "$(grep -cE '"type":"(session|result)"' events)" 2
like "texts carry the id of their turn" \
	"$(jq -j 'select(.type=="content" and .correlation_id=="c2").text' events)" 'two$'

printf '%s\n' 'not json' '{"type":"nonsense","correlation_id":"n"}' '[]' '{"type":"send"}' \
	'{"type":"send","message":"\u0000"}' '{"type":"send","message":"fine","correlation_id":"ok"}' |
	ts-chat --ndjson >events
is "bad lines: exit code" "$?" 0
is "each is reported by its number" \
	"$(jq -r 'select(.type=="error").message' events | sed 's/\(line [0-9]*\).*/\1/')" "ts-chat: line 1
ts-chat: line 3
ts-chat: line 5"
is "unknown and empty commands are refused" "$(jq -r 'select(.type=="ack").status' events | tr '\n' ' ')" "error error ok "
is "and the stream goes on" "$(jq -r 'select(.type=="turn_complete").correlation_id' events)" ok
{
	head -c 9000000 /dev/zero | tr '\0' x
	printf '\n{"type":"send","message":"after","correlation_id":"ok"}\n'
} | ts-chat --ndjson >events
like "a line over the limit is reported" "$(jq -r 'select(.type=="error").message' events)" 'line 1: longer than 8 MiB'
is "and skipped" "$(jq -r 'select(.type=="turn_complete").status' events)" ok

# A conversation held by hand: the fifo stays open as descriptor 4.
talk() {
	rm -f commands events
	mkfifo commands
	exec 4<>commands
	background ts-chat --ndjson "$@" <commands >events 4>&-
	chat=$pid
}
say() { printf '%s\n' "$1" >&4; }
seen() { wait_for 15 grep -q "$1" events; }
hang_up() {
	exec 4>&-
	wait "$chat"
}

talk
say '{"type":"send","message":"run","correlation_id":"r"}'
ok "an approval is asked for" seen '"type":"approval_request"'
is "with the state attention" "$(jq -r 'select(.type=="state_change").state' events | tail -n 1)" attention
request=$(jq -r 'select(.type=="approval_request").request_id' events)
like "the request id has 128 bits" "$request" '^[0-9a-f]{32}$'
say '{"type":"approve","request_id":"wrong","approved":true}'
say "{\"type\":\"approve\",\"request_id\":\"$request\",\"approved\":true,\"feedback\":\"well done\"}"
ok "approved, it runs" seen '"type":"turn_complete"'
is "the call ran" "$(jq -r 'select(.type=="tool_result")|.status' events)" ok
like "the feedback reached the model" "$(jq -cs '[.[]|select(.type=="request" and (.path|test("completions")))][-1].body.messages' requests)" 'well done'
say '{"type":"send","message":"run","correlation_id":"r2"}'
wait_for 10 sh -c 'test "$(grep -c approval_request events)" -ge 2'
request=$(jq -r 'select(.type=="approval_request").request_id' events | tail -n 1)
say "{\"type\":\"approve\",\"request_id\":\"$request\",\"approved\":false,\"feedback\":\"not today\"}"
wait_for 10 sh -c 'test "$(grep -c turn_complete events)" -ge 2'
is "refused, it does not run" "$(jq -r 'select(.type=="tool_result").status' events | tail -n 1)" denied
like "the model learns the reason, and that it was denied" \
	"$(jq -r 'select(.type=="tool_result").output' events | tail -n 1)" '[Dd]enied.*not today'
hang_up
is "a refusal by a person is no failure" "$?" 0

talk
say '{"type":"send","message":"slow"}'
ok "text arrives" seen '"text":"a"'
say '{"type":"cancel"}'
ok "cancel ends the turn" seen '"type":"cancelled"'
is "as cancelled" "$(jq -r 'select(.type=="turn_complete").status' events)" cancelled
say '{"type":"send","message":"next"}'
wait_for 10 sh -c 'test "$(grep -c turn_complete events)" -ge 2'
like "the next prompt works" "$(jq -r 'select(.type=="turn_complete").status' events | tail -n 1)" ok
is "the half answer stays in the history, marked" "$(jq -cs '[.[]|select(.type=="request" and (.path|test("completions")))][-1].body.messages|[.[].role]' requests)" \
	'["system","user","assistant","user"]'
hang_up

talk --skip-permissions
say '{"type":"send","message":"hang"}'
ok "the command runs" seen '"chunk":"begun'
start=$(date +%s)
say '{"type":"cancel"}'
ok "cancel ends the command" seen '"type":"turn_complete"'
ok "at once" test $(($(date +%s) - start)) -le 4
is "with exactly one result" "$(jq -r 'select(.type=="tool_result").call_id' events)" y
like "that says so" "$(jq -r 'select(.type=="tool_result").status' events)" '^(cancelled|unknown)$'
ok "no process is left" wait_for 5 sh -c "! pgrep -f '[s]leep $nap' >/dev/null"
hang_up
is "exit code after a cancelled turn" "$?" 0

printf '%s\n' '{"type":"send","message":"run"}' | ts-chat --ndjson >events
is "an approval that nobody can give any more: exit code" "$?" 5
is "it is denied" "$(jq -r 'select(.type=="tool_result").status' events)" denied

awk 'BEGIN { for (i = 0; i < 4000; i++) printf "{\"type\":\"send\",\"message\":\"x\",\"correlation_id\":\"%d\"}\n", i }' |
	prlimit --stack=1048576 ts-chat --ndjson --budget-tokens 1 >events
is "thousands of prompts beyond the budget: exit code" "$?" 6
is "each of them ends" "$(grep -c '"type":"turn_complete"' events)" 4000
done_testing
