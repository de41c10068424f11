#!/bin/sh
# shellcheck disable=SC2016,SC2154 # a program for sh; $pid comes from lib.sh
# Ids of calls that are no ids: the same one in every turn, and twice in one answer; none at all;
# very long ones. Each call has one result, in its place.
. "${0%/*}/lib.sh"

long=$(printf '%0500d' 7)
cat >script <<E2
{"match":{"role":"user","contains":"turn"},"tool_calls":[{"name":"bash","id":"call_1","arguments":{"command":"echo x >>ran; wc -l <ran"}}],"times":4}
{"match":{"role":"user","contains":"same"},"tool_calls":[{"name":"bash","id":"call_1","arguments":{"command":"echo one"}},{"name":"bash","id":"call_1","arguments":{"command":"echo two"}},{"name":"bash","id":"","arguments":{"command":"echo three"}},{"name":"bash","id":"$long","arguments":{"command":"echo four"}}]}
{"match":{"role":"user","contains":"block"},"tool_calls":[{"name":"bash","id":"call_1","arguments":{"command":"echo x >>ran; cat fifo"}}]}
{"times":"always","content":"fine"}
E2
start_mock --script script --log requests
mkfifo fifo
messages() { jq -c 'select(.type=="request" and (.path|test("completions"))).body.messages' requests | tail -n 1; }
field() { jq -r "select(.type==\"$2\").$3" "$1"; }

chat() { ts-chat --sandbox off --skip-permissions --no-stdin "$@"; }
chat turn one >out
session=$(field out session session_id)
chat --resume "$session" turn two >out
chat --resume "$session" turn three >out
is "the same id in each turn: every call runs, once" "$(wc -l <ran)" 3
is "and its result stands in its turn" "$(messages | jq -r 'map(select(.role=="tool").content|gsub("\\s";""))|join(" ")')" "1 2 3"
is "the audit log tells them apart" "$(ts-session audit --json "$session" | jq -r 'select(.event=="after").batch_id' | sort -u | wc -l)" 3

# An earlier one of the same id was put off and answered: it says nothing about this one.
setsid -w ts-chat --sandbox off --no-stdin --approve=defer --resume "$session" turn four >out 2>errors
ts-approve "$(field out approval_deferred request_id)" allow >/dev/null
chat --resume "$session" >out
is "one that was put off runs when it is allowed" "$(wc -l <ran)" 4
background ts-chat --sandbox off --skip-permissions --no-stdin --resume "$session" block it >out
wait_for 10 sh -c '[ "$(wc -l <ran)" = 5 ]'
kill -9 "$pid" && wait "$pid"
must_fail 2 "killed over a later call of its id: nothing is gone on with" chat --resume "$session"
is "and nothing runs again" "$(wc -l <ran)" 5

chat same >out
is "the same id twice in one answer: all run" \
	"$(jq -r 'select(.type=="tool_result").output' out | sort | tr '\n' ' ')" "four one three two "
is "the results have ids that differ" "$(messages | jq 'map(.tool_call_id|select(.))|unique|length')" 4
is "those of the calls, in their order" \
	"$(messages | jq '[.[-5].tool_calls[].id]==[.[-4:][].tool_call_id]')" true
is "and their contents" "$(messages | jq -r '[.[-4:][].content|gsub("\\s";"")]|join(" ")')" "one two three four"
done_testing
