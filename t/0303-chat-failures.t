#!/bin/sh
# ts-chat: what happens when something dies, stops answering, or is stopped.
. "${0%/*}/lib.sh"

nap=$((100000 + $$)) # a sleep that no other test has

cat >script <<E2
{"match":{"contains":"half"},"times":1,"content":["Half an ","answer"],"disconnect_after":2,"chunk_size":4}
{"match":{"contains":"half"},"content":"Whole."}
{"match":{"contains":"dead"},"content":["some ","text"],"disconnect_after":2}
{"match":{"contains":"slow"},"content":["first ","second"],"chunk_delay_ms":30000}
{"match":{"contains":"empty"},"content":""}
{"match":{"contains":"cut"},"content":"cut off","finish_reason":"length"}
{"match":{"contains":"filter"},"content":"part","finish_reason":"content_filter"}
{"match":{"contains":"refused"},"status":401,"error":"bad key"}
{"match":{"role":"user","contains":"hang"},"tool_calls":[{"name":"bash","id":"h","arguments":{"command":"echo begun; sleep $nap"}}]}
{"match":{"role":"user","contains":"run"},"tool_calls":[{"name":"bash","id":"r","arguments":{"command":"echo ran"}}]}
{"match":{"role":"tool"},"content":"done: {{last_tool_result}}"}
{"times":"always","content":"fine"}
E2
start_mock --script script --log requests
result() { jq -r "select(.type==\"result\").$1" events; }

ts-chat --no-stdin half >events 2>/dev/null
is "a body that dies half-way is asked for again" "$?" 0
is "what died is taken back first" \
	"$(jq -r 'select(.type=="content" or .type=="discard").type' events | uniq | tr '\n' ' ')" "content discard content "
is "no text twice" "$(result text)" "Whole."
is "nor through ts-render" "$(ts-render <events)" "Whole."

ts-chat --no-stdin dead >events
is "a backend that dies again and again: exit code" "$?" 4
like "the reason names the endpoint" "$(result exit_reason)" "^POST $BASE_URL/chat/completions: "
is "empty answer: exit code" "$(ts-chat --no-stdin empty >events; echo $?)" 1
is "cut at the token limit: exit code" "$(ts-chat --no-stdin cut >events; echo $?)" 6
is "its text is there all the same" "$(result text)" "cut off"
is "content filter: exit code" "$(ts-chat --no-stdin filter >events; echo $?)" 1
is "a refused key: exit code" "$(ts-chat --no-stdin refused >events; echo $?)" 4

start=$(date +%s)
TURNSTONE_BASE_URL=http://127.0.0.1:1/v1 ts-chat --no-stdin hi >events
is "no backend: exit code" "$?" 4
like "no backend: the message" "$(jq -r 'select(.type=="error").message' events)" 'http://127.0.0.1:1/v1/.*: connection refused'
ok "no backend: told soon" test $(($(date +%s) - start)) -le 20
is "the session comes first all the same" "$(head -n 1 events | jq -r .type)" session

start=$(date +%s)
ts-chat --timeout 1 --no-stdin slow >events
is "--timeout: exit code" "$?" 124
is "--timeout: the turn's status" "$(jq -r 'select(.type=="turn_complete").status' events)" timeout
ok "--timeout: in time" test $(($(date +%s) - start)) -le 4

interrupt() { # interrupt SIGNAL PROMPT WAIT-FOR
	rm -f events
	background ts-chat --skip-permissions --no-stdin "$2" >events
	wait_for 10 grep -q "$3" events
	kill "-$1" "$pid"
	wait "$pid"
}
# A shell starts background jobs with SIGINT ignored; ts-chat takes it all the same.
interrupt INT slow '"text":"first '
is "SIGINT in an answer: exit code" "$?" 130
is "SIGINT: the turn is cancelled" "$(jq -r 'select(.type=="turn_complete").status' events)" cancelled
is "SIGINT: the result says so" "$(result status)" interrupted
interrupt INT hang '"chunk":"begun'
is "SIGINT while a tool runs: exit code" "$?" 130
is "SIGINT: the call has one result" "$(jq -r 'select(.type=="tool_result").call_id' events)" h
ok "SIGINT: the command is gone" wait_for 20 sh -c "! pgrep -f '[s]leep $nap' >/dev/null"
interrupt TERM hang '"chunk":"begun'
is "SIGTERM while a tool runs: exit code" "$?" 143
ok "SIGTERM: the command is gone" wait_for 20 sh -c "! pgrep -f '[s]leep $nap' >/dev/null"
interrupt KILL hang '"chunk":"begun'
ok "SIGKILL: the command is gone all the same" wait_for 20 sh -c "! pgrep -f '[s]leep $nap' >/dev/null"
left=$(echo "$XDG_RUNTIME_DIR"/turnstone/state-*)
ok "SIGKILL: what the tools kept is left" test -d "$left"
touch -d '2 minutes ago' "$left"
ts-chat --skip-permissions --no-stdin run >/dev/null
ok "SIGKILL: a later one takes it away" test ! -e "$left"

child_of() { pgrep -P "$1" -x "$2"; }
rm -f events
background ts-chat --no-stdin slow >events
chat=$pid
wait_for 10 grep -q '"text":"first ' events
kill -KILL "$(child_of "$chat" ts-llm)"
ok "ts-llm killed: the call is repeated" wait_for 10 grep -q '"type":"discard"' events
wait_for 10 sh -c 'test "$(grep -c "first " events)" -ge 2'
kill -KILL "$(child_of "$chat" ts-llm)"
wait "$chat"
is "killed again: exit code" "$?" 4

# When only the way to it is broken, a call that runs is left to end by itself.
for stage in ts-tool-prep ts-approve ts-tool-exec; do
	rm -f events
	background env TURNSTONE_TOOLS_TIMEOUT=3 ts-chat --skip-permissions --no-stdin hang >events
	chat=$pid
	wait_for 10 grep -q '"chunk":"begun' events
	kill -KILL "$(child_of "$chat" "$stage")"
	wait "$chat"
	is "$stage killed: the turn goes on" "$?" 0
	is "$stage killed: the call has one result" "$(jq -r 'select(.type=="tool_result").call_id' events)" h
	ok "$stage killed: the command is gone" wait_for 20 sh -c "! pgrep -f '[s]leep $nap' >/dev/null"
done

ts-chat --no-stdin hi | head -n 1 >first
like "a reader that leaves early" "$(cat first)" '"type":"session"'
set +e
sh -c 'ts-chat --skip-permissions --no-stdin hang; echo $? >status' | grep -m 1 begun >/dev/null
like "a reader that leaves ends it by SIGPIPE" "$(wait_for 5 test -s status; cat status)" '^141$'
ok "and the command with it" wait_for 20 sh -c "! pgrep -f '[s]leep $nap' >/dev/null"

mkdir -p "$XDG_CONFIG_HOME/turnstone"
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<E2
[model]
default = "gone"
fallback = ["gone", "spare"]
[models.gone]
base_url = "http://127.0.0.1:1/v1"
model = "x"
retries = 0
[models.spare]
base_url = "$BASE_URL"
model = "y"
E2
unset TURNSTONE_BASE_URL
ts-chat --no-stdin hi >events
is "fallback to the next model: exit code" "$?" 0
like "and it is said" "$(jq -r 'select(.type=="info").message' events)" "falling back to model 'spare'"

printf '[model\n' >"$XDG_CONFIG_HOME/turnstone/config.toml"
ts-chat --no-stdin hi >/dev/null 2>errors
is "a broken configuration: exit code" "$?" 3
like "it names file, line and column" "$(cat errors)" 'config.toml:1:[0-9]+: '
done_testing
