#!/bin/sh
# plan: an agent plans, the plan is kept, a person reviews it, and the next one refines it.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"system":"as a planning agent","role":"user","contains":"fail"},"status":400,"error":"no planning today"}
{"match":{"system":"as a planning agent","role":"user","contains":"think long"},"content":["## Go","al"],"chunk_delay_ms":30000}
{"match":{"system":"as a planning agent","role":"user","contains":"change it"},"tool_calls":[{"name":"write_file","id":"a","arguments":{"path":"x","content":"y"}}]}
{"match":{"system":"as a planning agent","role":"user","contains":"The request:"},"content":"## Goal\nThe refined plan"}
{"match":{"system":"as a planning agent"},"content":"## Goal\nThe first plan","usage":{"prompt_tokens":7,"completion_tokens":1}}
{"match":{"role":"user","contains":"in a file"},"tool_calls":[{"name":"plan","id":"a","arguments":{"prompt":"do it","project_file":true}}]}
{"match":{"role":"user","regex":"^plan (.*)"},"tool_calls":[{"name":"plan","id":"a","arguments":{"prompt":"{{1}}"}}]}
{"match":{"role":"tool"},"content":"parent: {{last_tool_result}}"}
E2
start_mock --script script --log requests
asked() { jq -c 'select(.type=="request" and (.path|test("completions")))|.body' requests; }
planners() { asked | jq -c 'select(.messages[0].content|contains("as a planning agent"))'; }
result() { jq -r "select(.type==\"tool_result\" and .parent_call_id==null).$1" events; }
kept=$XDG_STATE_HOME/turnstone/plans
alone='setsid -w'

$alone ts-chat --policy /dev/null --no-stdin plan it >events
is "a plan needs approval" "$?" 5
cat >policy.toml <<'E2'
[[allow]]
tool = "plan"
E2
$alone ts-chat --policy policy.toml --no-stdin plan it >events
is "nobody to review: exit code" "$?" 0
like "the plan comes back" "$(result output)" 'The first plan'
like "and says that nobody has seen it" "$(result output)" 'Nobody has reviewed'
session=$(jq -r 'select(.type=="session").session_id' events)
ok "E-71: it is kept where state is kept" grep -q 'The first plan' "$kept/$session.md"
is "for its owner alone" "$(stat -c %a "$kept" "$kept/$session.md" | tr '\n' ' ')" "700 600 "
like "and the path is shown" "$(result output)" "kept in $kept/$session\\.md"
ok "E-71: not in the project" sh -c '! ls .plan-*.md'
is "the planning agent changes nothing" "$(planners | jq -r '.tools[].function.name|select(test("bash|write|edit|task|plan"))')" ""
like "and is told the sections" "$(planners | jq -r '.messages[0].content' | tr '\n' ' ')" 'Goal.*Current State.*Plan.*Risks'
$alone ts-chat --policy policy.toml --no-stdin plan to change it >events
like "a tool it does not have is refused" "$(planners | tail -n 1 | jq -r '.messages[-1].content')" 'Unknown tool'
ok "and nothing was written" test ! -e x
$alone ts-chat --policy policy.toml --no-stdin plan in a file >events
session=$(jq -r 'select(.type=="session").session_id' events)
ok "on request it is also in the project" grep -q 'The first plan' ".plan-$session.md"
rm -f ./.plan-*
$alone ts-chat --policy policy.toml --plan-file --no-stdin plan it >events
ok "or by configuration" sh -c 'ls .plan-*.md'
rm -f ./.plan-*

# The review.
talk() {
	rm -f commands events
	mkfifo commands
	exec 4<>commands
	background ts-chat --ndjson --policy policy.toml "$@" <commands >events 4>&-
	chat=$pid
}
say() { printf '%s\n' "$1" >&4; }
reviewed() { wait_for 20 sh -c 'test "$(grep -c "\"type\":\"plan_review\"" events)" -ge "$1"' sh "$1"; }
turn_over() { wait_for 20 sh -c 'test "$(grep -c turn_complete events)" -ge "$1"' sh "$1"; }
feedback() { # feedback N TEXT: answers the Nth review
	id=$(jq -r 'select(.type=="plan_review").request_id' events | sed -n "$1p")
	say "{\"type\":\"plan_feedback\",\"request_id\":\"$id\",\"feedback\":\"$2\"}"
	turn_over "$1"
}
last_result() { result output | tail -n "${1:-3}"; }

talk
say '{"type":"send","message":"plan it"}'
ok "a plan is reviewed" reviewed 1
is "as attention" "$(jq -r 'select(.type=="state_change").state' events | tail -n 1)" attention
like "with its text" "$(jq -r 'select(.type=="plan_review").content' events)" 'The first plan'
like "and its file" "$(jq -r 'select(.type=="plan_review").path' events)" '/plans/[0-9a-f]*\.md$'
ok "E-67: yes accepts" feedback 1 yes
like "which the model learns" "$(last_result)" 'This plan is accepted'
is "then the tools go on" "$(jq -r 'select(.type=="state_change").state' events | tr '\n' ' ')" \
	"thinking running attention running thinking idle "
say '{"type":"send","message":"plan again"}'
reviewed 2
ok "no rejects" feedback 2 no
like "which the model learns: not to be done" "$(last_result)" 'rejected.*Do not implement'
like "E-70: it refined the plan there was" "$(planners | tail -n 1 | jq -r '.messages[1].content' | tr '\n' ' ')" 'The first plan.*The request: again'
say '{"type":"send","message":"plan more"}'
reviewed 3
ok "anything else is a remark" feedback 3 'less of it'
like "which the model reads" "$(last_result)" '^less of it'
say '{"type":"send","message":"plan to fail"}'
turn_over 4
is "E-68: a plan that failed is not reviewed" "$(grep -c '"type":"plan_review"' events)" 3
is "it is an error" "$(result status | tail -n 1)" error
session=$(jq -r 'select(.type=="session").session_id' events)
ok "and the plan there was is kept" grep -q 'The refined plan' "$kept/$session.md"
say '{"type":"send","message":"plan and think long"}'
wait_for 20 grep -q '"chunk":"## Go' events
say '{"type":"cancel"}'
turn_over 5
is "E-68: nor is one that was cancelled" "$(grep -c '"type":"plan_review"' events)" 3
say '{"type":"send","message":"plan it"}'
reviewed 4
say '{"type":"cancel"}'
ok "a cancel ends a review" turn_over 6
say '{"type":"send","message":"plan it"}'
reviewed 5
for process in /proc/[0-9]*; do
	[ "$(readlink "$process/cwd" 2>/dev/null)" = "$WORK/project" ] &&
		[ "$(cat "$process/comm" 2>/dev/null)" = plan ] && kill -9 "${process#/proc/}"
done
ok "a tool that is killed takes its question along" turn_over 7
say '{"type":"send","message":"plan it"}'
ok "and the next one is asked" reviewed 6
exec 4>&-
wait "$chat"
ok "E-72: at the end of input nobody accepts" sh -c '! jq -r "select(.type==\"tool_result\").output" events | tail -n 2 | grep -q "is accepted"'
is "E-69: the agent saw nothing of the conversation's calls" "$(planners | jq -c 'select(any(.messages[]; .role=="tool"))' | grep -vc 'Unknown tool')" 0

ts-chat --skip-permissions --no-stdin plan it >events
like "E-66: with --skip-permissions nothing waits for a review" "$(result output)" 'This plan is accepted'
is "which nobody was asked for" "$(grep -c plan_review events)" 0
is "and its cost counts" "$(jq -r 'select(.type=="status").agents.total_tokens' events)" 8
done_testing
