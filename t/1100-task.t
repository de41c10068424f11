#!/bin/sh
# task: an agent does a piece of work, and the conversation that started it decides about its calls.
. "${0%/*}/lib.sh"

tools=$BUILD/libexec/turnstone/tools
cat >script <<'E2'
{"match":{"system":"as an agent on one task","role":"user","contains":"change the notes"},"content":"I read first.","tool_calls":[{"name":"read_file","id":"a","arguments":{"path":"notes"}}],"usage":{"prompt_tokens":10,"completion_tokens":1}}
{"match":{"system":"as an agent on one task","role":"tool","contains":"old words"},"tool_calls":[{"name":"edit_file","id":"b","arguments":{"path":"notes","old_string":"old","new_string":"new"}}],"usage":{"prompt_tokens":20,"completion_tokens":2}}
{"match":{"system":"as an agent on one task","role":"user","contains":"first command"},"tool_calls":[{"name":"bash","id":"a","arguments":{"command":"touch one"}}]}
{"match":{"system":"as an agent on one task","role":"user","contains":"second command"},"tool_calls":[{"name":"bash","id":"a","arguments":{"command":"touch one"}}]}
{"match":{"system":"as an agent on one task"},"content":"report: {{last_tool_result}}","usage":{"prompt_tokens":30,"completion_tokens":3}}
{"match":{"role":"user","contains":"delegate both"},"tool_calls":[{"name":"task","id":"a","arguments":{"prompt":"first command"}},{"name":"task","id":"b","arguments":{"prompt":"second command"}}]}
{"match":{"role":"user","contains":"delegate the other"},"tool_calls":[{"name":"task","id":"c","arguments":{"prompt":"second command"}}]}
{"match":{"role":"user","contains":"delegate one"},"tool_calls":[{"name":"task","id":"a","arguments":{"prompt":"first command"}}]}
{"match":{"role":"user","contains":"delegate"},"tool_calls":[{"name":"task","id":"a","arguments":{"prompt":"change the notes\nsecond line of it"}}],"usage":{"prompt_tokens":100,"completion_tokens":4}}
{"match":{"role":"tool"},"content":"parent: {{last_tool_result}}","usage":{"prompt_tokens":200,"completion_tokens":5}}
E2
start_mock --script script --log requests
asked() { jq -c 'select(.type=="request" and (.path|test("completions")))|.body' requests; }
nested() { jq -c "select(.parent_call_id)|$1" events; }
alone='setsid -w'

echo 'old words' >notes
: >requests
ts-chat --skip-permissions --no-stdin delegate this >events 2>errors
is "a task runs: exit code" "$?" 0
is "the agent changed the file" "$(cat notes)" "new words"
like "its report is the result" "$(jq -r 'select(.type=="tool_result" and .call_id=="a").output' events)" '^report: '
like "which the model gets" "$(jq -r 'select(.type=="result").text' events)" '^parent: report: '
is "one result of our own" "$(jq -r 'select(.type=="tool_result" and .parent_call_id==null).call_id' events)" a
is "the agent's results come with the call that started it" \
	"$(nested 'select(.type=="tool_result")|[.parent_call_id,.name,.status]')" '["a","read_file","ok"]
["a","edit_file","ok"]'
is "and are announced" "$(nested 'select(.type=="tool_info")|.items[0].func_name' | tr '\n' ' ')" '"read_file" "edit_file" '
is "all in the turn" "$(jq -r .correlation_id events | grep -v null | sort -u | wc -l)" 1
is "no two calls share an id" "$(jq -r 'select(.type=="tool_result").call_id' events | sort | uniq -d)" ""
like "E-63: what the agent says is shown as it comes" \
	"$(jq -j 'select(.type=="tool_output_chunk" and .call_id=="a").chunk' events)" 'I read first'
is "what it costs counts: the turn" \
	"$(jq -c 'select(.type=="turn_complete").usage|[.calls,.prompt_tokens,.completion_tokens,.total_tokens]' events)" '[5,360,15,375]'
is "the run" "$(jq -c 'select(.type=="result").usage.total_tokens' events)" 375
is "and what of it is the agents'" "$(jq -c 'select(.type=="status").agents|[.calls,.total_tokens]' events)" '[3,66]'
is "the window that is used is the conversation's own" "$(jq -c 'select(.type=="status").total_tokens' events)" 205
is "calls of agents count as calls" "$(jq -c 'select(.type=="result").tool_calls' events)" 3
is "the agent has the tools of a task agent" "$(asked | jq -c 'select(.messages[0].content|contains("as an agent"))|[.tools[].function.name]|contains(["bash","edit_file","read_file","search","write_file"])' | sort -u)" true
is "and none that starts an agent" "$(asked | jq -r 'select(.messages[0].content|contains("as an agent"))|.tools[].function.name|select(.=="task" or .=="plan")')" ""
ok "it is told what all are told, and then its part" sh -c '
	asked=$(jq -s "[.[]|select(.type==\"request\" and (.path|test(\"completions\"))).body]" requests)
	printf "%s" "$asked" | jq -e "(.[0].messages[0].content) as \$ours | .[1].messages[0].content | startswith(\$ours) and length > (\$ours|length)"'
like "it sees the prompt and nothing else of the conversation" "$(asked | sed -n 2p | jq -r '[.messages[1:][].content]|join("|")')" 'change the notes'
unlike "nothing else" "$(asked | sed -n 2p | jq -r '[.messages[1:][].content]|join("|")')" 'delegate this'

$alone ts-chat --no-stdin delegate this >events
is "nobody to ask: no agent starts" "$?" 5
is "nor calls anything" "$(nested .type | wc -l)" 0
request_preview=$(printf '%s\n' '{"type":"tool_batch","calls":[{"name":"task","arguments":{"prompt":"first\nsecond and last"}}]}' | ts-tool-prep | jq -r '.items[0].preview')
like "T-55: the question shows the whole prompt" "$(printf %s "$request_preview" | tr '\n' ' ')" 'first second and last'
like "T-55: and what it may use unasked" "$request_preview" 'without asking:.*read_file, search'
like "T-55: and what not" "$request_preview" 'asks before: bash, edit_file, (web_fetch, )?(web_search, )?write_file'

# One policy for the conversation and its agents.
echo 'old words' >notes
cat >policy.toml <<'E2'
[[allow]]
tool = "task"
[[allow]]
tool = "edit_file"
path = "notes"
E2
$alone ts-chat --policy policy.toml --no-stdin delegate this >events
is "E-60: the policy allows the agent's edit: exit code" "$?" 0
is "and it is made" "$(cat notes)" "new words"
$alone ts-chat --policy policy.toml --no-stdin delegate one >events
is "E-60: what it does not allow is asked, and nobody is there" "$?" 5
is "so nothing ran" "$(nested 'select(.type=="tool_result")|[.status,.decided_by]')" '["denied","nobody"]'
ok "really nothing" test ! -e one
cat >deny.toml <<'E2'
[[deny]]
tool = "bash"
reason = "no shell in here"
[[allow]]
tool = "task"
E2
$alone ts-chat --policy deny.toml --no-stdin delegate one >events
like "E-65: the agent reads why" "$(asked | tail -n 2 | head -n 1 | jq -r '.messages[-1].content')" 'no shell in here'

# By hand.
echo 'old words' >notes
echo '{"prompt":"change the notes"}' | TURNSTONE_TOOLS_SKIP_PERMISSIONS=true "$tools/task" run >out
is "task works by hand" "$?" 0
like "and prints the report" "$(cat out)" '^report:'
must_fail 1 "an empty prompt is refused" sh -c 'echo "{\"prompt\":\"  \"}" | "$1" run' sh "$tools/task"

# A person is asked, by lines.
talk() {
	rm -f commands events
	mkfifo commands
	exec 4<>commands
	background ts-chat --ndjson <commands >events 4>&-
	chat=$pid
}
say() { printf '%s\n' "$1" >&4; }
requested() { wait_for 20 sh -c 'test "$(grep -c "\"type\":\"approval_request\"" events)" -ge "$1"' sh "$1"; }
request_id() { jq -r 'select(.type=="approval_request").request_id' events | sed -n "$1p"; }
turn_over() { wait_for 20 sh -c 'test "$(grep -c turn_complete events)" -ge "$1"' sh "$1"; }

talk
say '{"type":"send","message":"delegate one"}'
requested 1
say "{\"type\":\"approve\",\"request_id\":\"$(request_id 1)\",\"approved\":true}"
ok "a person is asked for the agent's command" requested 2
is "which says whose it is" "$(jq -r 'select(.type=="approval_request").parent_call_id' events | tail -n 1)" a
is "the state is attention" "$(jq -r 'select(.type=="state_change").state' events | tail -n 1)" attention
say "{\"type\":\"approve\",\"request_id\":\"$(request_id 2)\",\"approved\":false,\"feedback\":\"use no shell here\"}"
ok "denied, the turn ends" turn_over 1
like "E-65: the reason reaches the agent" "$(asked | jq -r 'select(.messages[0].content|contains("as an agent"))|.messages[-1].content' | tail -n 1)" 'use no shell here'
ok "the command did not run" test ! -e one
say '{"type":"send","message":"delegate one"}'
requested 3
say "{\"type\":\"approve\",\"request_id\":\"$(request_id 3)\",\"approved\":true}"
requested 4
say "{\"type\":\"approve\",\"request_id\":\"$(request_id 4)\",\"approved\":true,\"always\":true,\"feedback\":\"go on\"}"
turn_over 2
ok "approved, it ran" test -e one
like "E-65: what was said with the approval reaches the agent" "$(asked | jq -r 'select(.messages[0].content|contains("as an agent"))|.messages[].content' | grep -x 'go on')" 'go on'
rm -f one
say '{"type":"send","message":"delegate the other"}'
requested 5
say "{\"type\":\"approve\",\"request_id\":\"$(request_id 5)\",\"approved\":true}"
turn_over 3
ok "'always' holds for what the next agent calls" test -e one
is "which asked nobody" "$(grep -c '"type":"approval_request"' events)" 5
is "and says so" "$(nested 'select(.type=="tool_result").decided_by' | tail -n 1)" '"always"'
exec 4>&-
wait "$chat"
is "what was denied by a person is no failure" "$?" 0

# Two agents at once, whose calls the model numbered alike.
ts-chat --skip-permissions --no-stdin delegate both >events
is "two agents: exit code" "$?" 0
is "each result names its own" "$(nested 'select(.type=="tool_result")|.parent_call_id' | sort | tr '\n' ' ')" '"a" "b" '
is "and no two calls share an id" "$(jq -r 'select(.type=="tool_result").call_id' events | sort | uniq -d)" ""
is "both have done their work" "$(nested 'select(.type=="tool_result")|.status' | sort -u)" '"ok"'
done_testing
