#!/bin/sh
# However an agent ends, its call has a result and nothing of it is left running.
. "${0%/*}/lib.sh"

nap=$((200000 + $$)) # a sleep that no other test has
cat >script <<E2
{"match":{"system":"as an agent on one task","role":"user","contains":"sleep"},"content":"First I think.","tool_calls":[{"name":"bash","id":"a","arguments":{"command":"printf %s%s be gun; echo; (setsid sleep $nap &) ; sleep $nap"}}]}
{"match":{"system":"as an agent on one task","role":"user","contains":"think long"},"content":["I begin to think.\n","b","c"],"chunk_delay_ms":30000}
{"match":{"role":"user","regex":"^delegate (.*)"},"tool_calls":[{"name":"task","id":"a","arguments":{"prompt":"{{1}}"}}]}
{"match":{"role":"tool"},"content":"parent: {{last_tool_result}}"}
{"times":"always","content":"still here"}
E2
start_mock --script script --log requests
[ "$sandbox" = yes ] && export TURNSTONE_TOOLS_SANDBOX=always

# Names and pids of our programs that work in this project, the model aside.
running() {
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/cwd" 2>/dev/null)" = "$WORK/project" ] || continue
		name=$(cat "$process/comm" 2>/dev/null)
		case $name in ts-mock-llm) ;; ts-* | task | plan | sleep) echo "$name ${process#/proc/}" ;; esac
	done
}
none_left() { [ -z "$(running | grep -v "^ts-chat $chat\$")" ] && ! pgrep -f "sleep $nap" >/dev/null; }
agents_gone() { ! running | grep -qE '^(task|sleep) ' && ! pgrep -f "sleep $nap" >/dev/null; }
agent_pid() { # the agent's ts-chat
	for process in $(running | sed -n 's/^ts-chat //p'); do
		tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep -q -e '--agent' && echo "$process"
	done
}
talk() {
	rm -f commands events
	mkfifo commands
	exec 4<>commands
	background ts-chat --ndjson "$@" <commands >events 2>errors 4>&-
	chat=$pid
}
say() { printf '%s\n' "$1" >&4; }
seen() { wait_for 20 grep -q "$1" events; }
hang_up() {
	exec 4>&-
	wait "$chat"
}
result() { jq -r "select(.type==\"tool_result\" and .call_id==\"a\").$1" events; }

talk --skip-permissions
say '{"type":"send","message":"delegate sleep"}'
ok "the agent's command runs" seen begun
say '{"type":"cancel"}'
ok "a cancel ends the turn" seen '"type":"turn_complete"'
is "as cancelled" "$(jq -r 'select(.type=="turn_complete").status' events)" cancelled
like "the call says so" "$(result status)" 'cancelled|unknown'
like "E-64: with what was found" "$(result output)" 'First I think'
ok "nothing of the agent is left" wait_for 10 agents_gone
say '{"type":"send","message":"hello"}'
wait_for 15 sh -c 'test "$(grep -c turn_complete events)" -ge 2'
is "and the conversation goes on" "$(jq -r 'select(.type=="turn_complete").status' events | tail -n 1)" ok
hang_up
ok "to the end" wait_for 10 none_left

talk --skip-permissions
say '{"type":"send","message":"delegate think long"}'
ok "the agent's model is at work" seen 'I begin to think'
say '{"type":"cancel"}'
ok "a cancel ends the turn" seen '"type":"turn_complete"'
ok "and the agent" wait_for 10 agents_gone
hang_up

talk --auto-approve task
say '{"type":"send","message":"delegate sleep"}'
ok "the agent's command waits for a person" seen '"type":"approval_request"'
say '{"type":"cancel"}'
ok "a cancel ends the turn" seen '"type":"turn_complete"'
is "and the question" "$(jq -r 'select(.type=="approval_resolved").decisions[0].decided_by' events)" cancelled
ok "and the agent" wait_for 10 agents_gone
hang_up

talk --skip-permissions
say '{"type":"send","message":"delegate sleep"}'
seen begun
kill -9 "$(running | sed -n 's/^task //p')"
ok "the tool is killed: the turn goes on" seen '"type":"turn_complete"'
is "the call failed" "$(result status)" error
ok "nothing of the agent is left" wait_for 10 agents_gone
say '{"type":"send","message":"delegate sleep"}'
wait_for 20 sh -c 'test "$(grep -c chunk.:.begun events)" -ge 2'
kill -9 "$(agent_pid)"
ok "the agent is killed: the turn goes on" wait_for 20 sh -c 'test "$(grep -c turn_complete events)" -ge 2'
is "the call failed" "$(result status | tail -n 1)" error
like "which says why" "$(result output)" 'ended by signal 9'
like "with what was found" "$(result output)" 'First I think'
ok "nothing of the agent is left" wait_for 10 agents_gone
hang_up

cp -r "$BUILD/share/turnstone/tooldefs" definitions
sed -i 's/"timeout": 7200/"timeout": 2/' definitions/task.json
TS_TOOLDEFS_DIR=$WORK/project/definitions ts-chat --skip-permissions --no-stdin delegate sleep >events
is "an agent out of time" "$(result status)" timeout
like "E-64: what it had found is kept" "$(result output)" 'First I think'
ok "nothing of the agent is left" wait_for 10 agents_gone

for signal in TERM KILL; do
	talk --skip-permissions
	say '{"type":"send","message":"delegate sleep"}'
	seen begun
	kill -"$signal" "$chat"
	exec 4>&-
	wait "$chat"
	ok "SIG$signal for the conversation: nothing is left" wait_for 10 none_left
done
done_testing
