#!/bin/sh
# An agent's limits: turns, repetition, fewer tools, its model; and what is left when it fails.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"system":"as an agent on one task","tools":false},"content":"summed up"}
{"match":{"system":"as an agent on one task","role":"user","contains":"start another"},"tool_calls":[{"name":"task","id":"a","arguments":{"prompt":"deeper"}}]}
{"match":{"system":"as an agent on one task","role":"tool","contains":"cannot start"},"content":"so I did it myself"}
{"match":{"system":"as an agent on one task","role":"user","contains":"break"},"content":"I found the cause. ","tool_calls":[{"name":"read_file","id":"a","arguments":{"path":"notes"}}]}
{"match":{"system":"as an agent on one task","role":"tool","body":"break"},"status":400,"error":"the model is gone"}
{"match":{"system":"as an agent on one task","role":"user","contains":"say nothing"},"content":""}
{"match":{"system":"as an agent on one task","role":"user","contains":"wonder"},"content":"<think>hm, secret thoughts</think>thought through"}
{"match":{"system":"as an agent on one task","role":"user","contains":"read for me"},"tool_calls":[{"name":"read_file","id":"a","arguments":{"path":"notes"}}]}
{"match":{"role":"user","contains":"delegate read for me"},"tool_calls":[{"name":"task","id":"a","arguments":{"prompt":"read for me"}}]}
{"match":{"role":"tool","contains":"done by","body":"delegate read for me"},"tool_calls":[{"name":"edit_file","id":"e","arguments":{"path":"notes","old_string":"a note","new_string":"changed"}}]}
{"match":{"system":"as an agent on one task","body":"many notes"},"tool_calls":[{"name":"read_file","arguments":{"path":"notes","offset":1}}]}
{"match":{"system":"as an agent on one task"},"content":"done by {{model}}"}
{"match":{"role":"tool"},"content":"parent: {{last_tool_result}}"}
{"match":{"role":"user","regex":"^delegate (.*)"},"tool_calls":[{"name":"task","id":"a","arguments":{"prompt":"{{1}}"}}]}
E2
echo 'a note' >notes
start_mock --script script --log requests
asked() { jq -c 'select(.type=="request" and (.path|test("completions")))|.body' requests; }
agents() { asked | jq -c 'select(.messages[0].content|contains("as an agent"))'; }
result() { jq -r "select(.type==\"tool_result\" and .call_id==\"a\").$1" events; }
run() {
	: >requests
	ts-chat --skip-permissions --no-stdin "$@" >events 2>errors
}

run --agent-max-turns 2 delegate many notes
is "E-59: an agent that goes on and on: exit code" "$?" 0
is "has its turns, and one call without tools" "$(agents | jq -c '.tools!=null' | tr '\n' ' ')" "true true false "
is "whose answer is the result" "$(result output)" "summed up"
like "it was told why" "$(agents | tail -n 1 | jq -r '.messages[-1].content')" 'used up'
run --agent-max-turns 0 delegate many notes
is "no turns at all: the answer at once" "$(agents | jq -c '.tools!=null' | tr '\n' ' ')" "false "
is "which is the result" "$(result output)" "summed up"
run --agent-max-turns -1 delegate many notes
is "E-59: without a limit, repetition ends it" "$(result output)" "summed up"
ok "soon" test "$(agents | wc -l)" -le 10
run --max-turns 2 delegate many notes
is "the conversation's own limit is its own" "$(result status)" ok
is "E-59: the default is finite" "$(ts-config get tools.agent_max_turns)" 50

run delegate start another
is "an agent cannot start agents" "$(result output)" "so I did it myself"
like "and is told so" "$(agents | jq -r '.messages[-1].content' | tail -n 1)" 'agents cannot start agents'
is "none was started" "$(asked | jq -r '.messages[1].content' | grep -c deeper)" 0
must_fail 1 "nor by hand" env TS_AGENT=task ts-chat --agent task --no-stdin hello
must_fail 2 "an agent is a task or a plan" ts-chat --agent other --no-stdin hello
must_fail 2 "and answers one prompt" ts-chat --agent task --ndjson

run --tools task,read_file delegate it
is "an agent has no tool that the conversation has not" \
	"$(agents | jq -c '[.tools[].function.name]')" '["read_file"]'

run delegate and break
is "E-64: an agent that fails: the turn goes on" "$(jq -r 'select(.type=="turn_complete").status' events)" ok
is "the call failed" "$(result status)" error
like "with what the agent had found" "$(result output)" 'I found the cause'
like "its calls' results" "$(result output)" 'a note'
like "why" "$(result output)" 'did not finish.*model is gone'
like "and where its conversation is kept" "$(result output)" 'session [0-9a-f]{12}'
run delegate and say nothing
is "an empty answer is a failure" "$(result status)" error

database=$XDG_DATA_HOME/turnstone/turnstone.db
query() { sqlite3 -batch "$database" "$1"; }
session=$(jq -r 'select(.type=="session").session_id' events)
is "E-64: an agent's conversation is a session of its own" \
	"$(query "select kind from sessions where parent_session = '$session'")" task
run delegate it
session=$(jq -r 'select(.type=="session").session_id' events)
is "with all its messages" "$(query "select group_concat(role, ' ') from conversations
	where session_id = (select session_id from sessions where parent_session = '$session')")" \
	"system user assistant"
is "and what it cost" "$(query "select purpose from usage where parent_session = '$session'")" task
count=$(query 'select count(*) from sessions')
run --no-save delegate it
is "with --no-save nothing of it is kept" "$(query 'select count(*) from sessions')" "$count"

run delegate and wonder
is "E-62: thoughts are no part of the report" "$(result output)" "thought through"
run delegate read for me
is "E-61: what an agent has read its conversation has not" \
	"$(jq -r 'select(.type=="tool_result" and .call_id=="e").status' events)" error
is "so the file is as it was" "$(cat notes)" "a note"

mkdir -p "$XDG_CONFIG_HOME/turnstone"
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<E2
[model]
default = "big"
agent_model = "small"
[models.big]
base_url = "$BASE_URL"
model = "big-one"
[models.small]
base_url = "$BASE_URL"
model = "small-one"
[models.third]
base_url = "$BASE_URL"
model = "third-one"
E2
unset TURNSTONE_BASE_URL
run delegate it
is "agents have their own model where one is configured" "$(result output)" "done by small-one"
is "and the conversation keeps its own" "$(asked | jq -r .model | tr '\n' ' ')" "big-one small-one big-one "
sed -i /agent_model/d "$XDG_CONFIG_HOME/turnstone/config.toml"
run delegate it
is "else the conversation's" "$(result output)" "done by big-one"
run --model third delegate it
is "also when it was chosen for this run" "$(result output)" "done by third-one"
done_testing
