#!/bin/sh
# Where MCP servers come from: [mcp.servers], a JSON file, and what is wrong in either. ts-mcp tells.
. "${0%/*}/lib.sh"

server=$SOURCE/t/mcp-server
config=$XDG_CONFIG_HOME/turnstone/config.toml
mkdir -p "$XDG_CONFIG_HOME/turnstone"

# refused TOML PATTERN: a wrong table is an error that names it, for every program that reads it.
refused() {
	printf '%s\n' "$1" >"$config"
	must_fail 3 "refused: $2" ts-mcp list
	like "named: $2" "$(cat "$WORK/.fail-output")" "$2"
}
lab='[mcp.servers.lab]'
refused "$lab" "toml:1:14: mcp.servers.lab needs a command or a url"
refused "$lab
command = 1" "toml:2:11: mcp.servers.lab.command must be a string, not an integer"
refused "$lab
command = \"\"" "'command' must be a text that is not empty"
refused "$lab
command = \"x\"
args = \"y\"" "mcp.servers.lab.args must be an array of strings"
refused "$lab
command = \"x\"
args = [1]" "mcp.servers.lab.args must be an array of strings, but item 1"
refused "$lab
command = \"x\"
env = [\"A=b\"]" "mcp.servers.lab.env must be a table"
refused "$lab
command = \"x\"
env = { A = 1 }" "'env' must be a table of texts"
refused "$lab
command = \"x\"
env = { \"A=B\" = \"c\" }" "'env' must be a table of texts"
refused "$lab
command = \"x\"
commmand = \"y\"" "toml:3:1: unknown key 'mcp.servers.lab.commmand'"
refused "$lab
command = \"x\"
timeout = -1" "'timeout' must be a number of seconds"
refused "$lab
command = \"x\"
sandbox = \"maybe\"" "'sandbox' must be \"off\" or \"workspace\""
refused "$lab
command = \"x\"
enabled = \"no\"" "mcp.servers.lab.enabled must be true or false"
refused "$lab
type = \"sse\"
url = \"http://localhost/sse\"" "'type' must be .*not \"sse\": HTTP with SSE was replaced"
refused "$lab
type = \"http\"
command = \"x\"" "'url' is needed"
refused "$lab
url = \"ftp://localhost/\"" "'url' must begin with http"
refused "$lab
url = \"http://localhost/\"
command = \"x\"" "'command' and 'url' contradict"
refused "$lab
command = \"x\"
headers = { A = \"b\" }" "'headers' go with 'url' only"
refused "$lab
url = \"http://localhost/\"
headers = { A = \"b\\nC: d\" }" "'headers' must be a table of texts of one line"
refused '[mcp.servers."a__b"]
command = "x"' "must not have '__' in its name"
refused '[mcp.servers."a b"]
command = "x"' "1 to 32 letters, digits"
refused '[mcp.servers."../x"]
command = "x"' "1 to 32 letters, digits"
refused '[mcp.servers]
lab = "x"' "mcp.servers.lab must be a table"
printf '%s\ncommand = "x"\nwrong = 1\n' "$lab" >"$config"
must_fail 3 "ts-chat refuses it too" ts-chat --no-stdin hello
like "and names it" "$(cat "$WORK/.fail-output")" "ts-chat: .*config.toml:3:1: unknown key 'mcp.servers.lab.wrong'"
printf '%s\ncommand = "x"\nsandbox = "maybe"\n' "$lab" >"$config"
must_fail 3 "ts-chat refuses a wrong value" ts-chat --no-stdin hello
like "and names it as well" "$(cat "$WORK/.fail-output")" "ts-chat: .*MCP server 'lab': 'sandbox' must be"
must_fail 3 "so does ts-tool-prep" sh -c 'ts-tool-prep </dev/null'

# The JSON file of other clients.
cat >servers.json <<E2
{"mcpServers": {
  "one": {"command": "$server", "args": [], "env": {}, "type": "stdio", "autoApprove": ["echo"]},
  "off": {"command": "/does/not/exist", "disabled": true}}}
E2
printf '%s\ncommand = "%s"\n' "$lab" "$server" >"$config"
is "the file takes the place of the tables" "$(ts-mcp --mcp-config servers.json list --json 2>errors |
	jq -r '[.[]|.name+":"+(.enabled|tostring)]|join(" ")')" "one:true off:false"
like "members of other clients are mentioned" "$(cat errors)" "MCP server 'one': member 'autoApprove' means nothing here"
is "a key names it as well" "$(TURNSTONE_MCP_CONFIG_PATH=servers.json ts-mcp list --json 2>errors | jq -r '.[0].name')" one
echo '{"mcpServers": {}}' >empty.json
is "an empty one leaves the tables" "$(ts-mcp --mcp-config empty.json list --json 2>errors | jq -r '.[0].name')" lab
must_fail 3 "one that is not there is an error" ts-mcp --mcp-config nowhere.json list
like "that names it" "$(cat "$WORK/.fail-output")" "read the MCP servers in 'nowhere.json': No such file"
echo '{"servers": {}}' >other.json
must_fail 3 "one without mcpServers" ts-mcp --mcp-config other.json list
echo '{"mcpServers": {"a": {"command": "x", "command": "y"}}}' >twice.json
must_fail 3 "a member given twice" ts-mcp --mcp-config twice.json list
echo '{"mcpServers": [' >broken.json
must_fail 3 "one that is no JSON" ts-mcp --mcp-config broken.json list
like "is named with the place" "$(cat "$WORK/.fail-output")" 'broken.json: .*byte'
must_fail 1 "a disabled server is not called" ts-mcp --mcp-config servers.json call off echo

# Names that collide, in one server and between two.
cat >servers.json <<E2
{"mcpServers": {
  "a.b": {"command": "$server"}, "a_b": {"command": "$server"}}}
E2
ts-mcp --mcp-config servers.json tools 2>errors | jq -r '.[].name' >names
is "every tool has a name" "$(wc -l <names)" 36
is "each its own" "$(sort -u names | wc -l)" 36
is "that every endpoint takes" "$(grep -cvE '^[A-Za-z0-9_-]{1,64}$' names)" 0
ok "the one that needs no change keeps it" grep -qx mcp__a_b__echo names
is "the other one is marked" "$(grep -cE '^mcp__a_b__echo_[0-9a-f]{8}$' names)" 1
ts-mcp --mcp-config servers.json tools 2>errors | jq -r '.[].name' | cmp -s - names
is "and they are the same every time" "$?" 0
is "definitions pass ts-tool-prep's own check" "$(TURNSTONE_MCP_CONFIG_PATH=servers.json ts-tool-prep <<'E2' |
{"type":"tool_batch","calls":[{"call_id":"1","name":"mcp__a_b__echo","arguments":{"text":"x"}}]}
E2
	jq -r '.items[0]|[.approval_label,.needs_approval,.sandbox]|map(tostring)|join(" ")')" "a_b/echo true self"

# A sandbox for a server.
if [ "$sandbox" = yes ]; then
	printf '%s\ncommand = "%s"\nsandbox = "workspace"\n' "$lab" "$server" >"$config"
	like "a server can be confined" "$(ts-mcp call lab env 2>&1)" '^TMPDIR=/tmp$'
	cp "$server" "$HOME/lab-server"
	printf '%s\ncommand = "%s"\nsandbox = "workspace"\n' "$lab" "$HOME/lab-server" >"$config"
	like "one below the home directory, which it does not see otherwise" "$(ts-mcp call lab env 2>&1)" '^TMPDIR=/tmp$'
else
	skip "a server can be confined" "this kernel refuses bubblewrap a sandbox"
	skip "one below the home directory" "this kernel refuses bubblewrap a sandbox"
fi

# Whoever configures no server pays nothing, and makes nothing.
: >"$config"
rm -rf "$XDG_DATA_HOME/turnstone" "$XDG_STATE_HOME/turnstone/mcp"
start_mock --synthesise
ts-chat --no-save --no-stdin hello >events 2>errors
ok "without servers there is no trace of them" test ! -e "$XDG_STATE_HOME/turnstone/mcp"
done_testing
