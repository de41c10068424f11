#!/bin/sh
# Agents use the MCP servers of the conversation that started them: the same processes, the same
# list of tools, and the same questions.
. "${0%/*}/lib.sh"

mkdir -p "$XDG_CONFIG_HOME/turnstone"
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<E2
[mcp.servers.lab]
command = "$SOURCE/t/mcp-server"
args = ["pid=$WORK/pids"]
timeout = 20
E2
cat >script <<'E2'
{"match":{"system":"as an agent on one task","role":"user"},"tool_calls":[{"name":"mcp__lab__echo","id":"n","arguments":{"text":"from the agent"}}]}
{"match":{"system":"as an agent on one task"},"content":"It said: {{last_tool_result}}"}
{"match":{"role":"user"},"tool_calls":[{"name":"mcp__lab__echo","id":"o","arguments":{"text":"from ourselves"}},{"name":"task","id":"t","arguments":{"prompt":"ask the lab"}}]}
{"match":{"role":"tool"},"content":"done"}
E2
start_mock --script script --log requests
chat() { setsid -w timeout 60 ts-chat --no-stdin "$@" go >events 2>errors; }

chat --skip-permissions
is "an agent calls a tool of a server: exit code" "$?" 0
like "and reports what it said" "$(jq -r 'select(.type=="tool_result" and .call_id=="t").output' events)" \
	'from the agent'
is "the call was the agent's" "$(jq -r 'select(.type=="tool_result" and .parent_call_id=="t")|"\(.name) \(.status)"' events)" \
	"mcp__lab__echo ok"
# The first start asked for the list.
is "one server did both calls" "$(sort -u "$WORK/pids" | wc -l)" 2
is "both were offered the same tools of it" \
	"$(jq -r 'select(.type=="request" and (.path|test("completions"))).body|[.tools[].function.name|select(startswith("mcp__"))]|join(" ")' requests | sort -u | wc -l)" 1
all_gone() { while read -r one; do ! kill -0 "$one" 2>/dev/null || return 1; done <"$WORK/pids"; }
ok "no server is left" wait_for 10 all_gone

chat --auto-approve task
is "a tool that was not allowed is not allowed to an agent: exit code" "$?" 5
is "nobody was asked, so it was denied" \
	"$(jq -r 'select(.type=="tool_result" and .parent_call_id=="t")|"\(.name) \(.status) \(.decided_by)"' events)" \
	"mcp__lab__echo denied nobody"

done_testing
