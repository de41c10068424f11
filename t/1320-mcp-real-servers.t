#!/bin/sh
# ts-mcp and ts-chat with three servers that others wrote, where npm can get them.
real_cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/turnstone-test
real_home=${HOME:-/}
. "${0%/*}/lib.sh"

command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 || skip_all "npm is not installed"
command -v flock >/dev/null 2>&1 || skip_all "flock is not installed"
packages="server-everything server-filesystem server-memory"
bin=$real_cache/mcp/node_modules/.bin
fetch() {
	mkdir -p "$real_cache/mcp" || return
	list=
	for package in $packages; do list="$list @modelcontextprotocol/$package"; done
	# shellcheck disable=SC2086 # a list of words
	(unset no_proxy && cd "$real_cache/mcp" && HOME=$real_home exec timeout 90 flock .lock npm install \
		--no-audit --no-fund --no-update-notifier --loglevel=error --fetch-retries=0 $list) >"$WORK/npm.log" 2>&1
}
have_all() { for package in $packages; do [ -x "$bin/mcp-$package" ] || return 1; done; }
have_all || fetch
have_all || skip_all "npm cannot get the servers: $(tail -n 1 "$WORK/npm.log" | cut -c 1-100)"

echo 'in the project' >note.txt
cat >servers.json <<E2
{"mcpServers": {
  "everything": {"command": "$bin/mcp-server-everything"},
  "files": {"command": "$bin/mcp-server-filesystem", "args": ["$WORK/project"]},
  "memory": {"command": "$bin/mcp-server-memory", "env": {"MEMORY_FILE_PATH": "$WORK/graph.json"}}}}
E2
TURNSTONE_MCP_CONFIG_PATH=$WORK/project/servers.json
export TURNSTONE_MCP_CONFIG_PATH
mcp() { timeout 60 ts-mcp "$@" 2>errors; }

is "all three are ready" "$(mcp status --json | jq -r '[.[]|.name+" "+.state]|join(", ")')" \
	"everything ready, files ready, memory ready"
is "every name is one that endpoints take" "$(mcp tools | jq -r '.[].name' | grep -cvE '^[A-Za-z0-9_-]{1,64}$')" 0
ok "there are many" test "$(mcp tools | jq length)" -gt 25

is "everything: echo" "$(mcp call everything echo '{"message":"hi"}')" "Echo: hi"
like "everything: an image" "$(mcp call everything get-tiny-image)" '^\[image/png, [0-9]+ bytes: saved as /.*\.png\]$'
file=$(mcp call everything get-tiny-image | sed -n 's/^\[image.*saved as \(.*\)\]$/\1/p')
is "which is one" "$(od -An -tx1 -N4 "$file" | tr -d ' \n')" 89504e47
like "everything: structured content" "$(mcp call everything get-structured-content '{"location":"New York"}')" '"temperature":'
like "everything: links to resources" "$(mcp call everything get-resource-links)" "^\[resource '.*: demo://"
like "everything: progress" "$(mcp call everything trigger-long-running-operation '{"duration":0.5,"steps":2}' && cat errors)" '1 of 2'
is "everything: none of our variables" "$(OPENAI_API_KEY=secret mcp call everything get-env | grep -c secret)" 0
like "everything: roots" "$(mcp call everything get-roots-list)" "file://$WORK/project"
like "files: read" "$(mcp call files read_text_file "{\"path\":\"$WORK/project/note.txt\"}")" 'in the project'
must_fail 1 "files: outside is refused by the server" ts-mcp call files read_text_file '{"path":"/etc/passwd"}'
mcp call memory create_entities '{"entities":[{"name":"a","entityType":"b","observations":["remembered"]}]}' >/dev/null
like "memory: what one call wrote the next one reads" "$(mcp call memory read_graph)" remembered

cat >script <<E2
{"match":{"role":"user","contains":"go"},"tool_calls":[{"name":"mcp__files__read_text_file","id":"f","arguments":{"path":"$WORK/project/note.txt"}},{"name":"mcp__memory__search_nodes","id":"m","arguments":{"query":"remembered"}},{"name":"mcp__everything__get-sum","id":"s","arguments":{"a":2,"b":3}}]}
{"match":{"role":"tool"},"content":"done"}
E2
start_mock --script script
timeout 60 ts-chat --skip-permissions --no-stdin go >events 2>errors
is "a conversation with all three" "$? $(jq -r 'select(.type=="tool_result").status' events | tr '\n' ' ')" "0 ok ok ok "
like "the sum" "$(jq -r 'select(.type=="tool_result" and .call_id=="s").output' events)" '2 and 3 is 5'
done_testing
