#!/bin/sh
# ts-mcp serve: our tools for another client.
. "${0%/*}/lib.sh"

echo 'in the project' >note.txt
hello='{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}'
serve() { timeout 60 ts-mcp "$@" 2>errors; }
ask() { printf '%s\n' "$1" | serve serve; }
call() { printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":%s%s}}\n' "$1" "$2" "$3" "${4:-}"; }
# A client that stays: begin OPTION..., say MESSAGE, heard JQ-FILTER, leave.
begin() {
	rm -f in && mkfifo in && : >out
	background sh -c 'exec timeout 60 ts-mcp serve "$@" <in >out 2>errors' sh "$@"
	exec 7>in
}
say() { printf '%s\n' "$1" >&7; }
heard() { wait_for 30 sh -c "jq -se '[.[]|select($1)]|length>0' out"; }
text() { jq -r "select(.id==$1)|.result.content[0].text" out; }
is_error() { jq -r "select(.id==$1)|.result.isError" out; }
leave() {
	exec 7>&-
	wait "$pid"
}

# The greeting.
for version in 2024-11-05 2025-03-26 2025-06-18 2025-11-25; do
	is "version $version" "$(ask "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"$version\"}}" |
		jq -r .result.protocolVersion)" $version
done
is "of a version that is not known the newest" "$(ask '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"1"}}' |
	jq -c '[.result.protocolVersion,.result.capabilities,.result.serverInfo.name]')" '["2025-11-25",{"tools":{}},"turnstone"]'
is "ping" "$(ask '{"jsonrpc":"2.0","id":"p","method":"ping"}')" '{"jsonrpc":"2.0","id":"p","result":{}}'
list='{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
is "the tools" "$(ask "$list" | jq -r '[.result.tools[].name]|join(" ")')" \
	"bash edit_file forget man math read_file recall remember search web_fetch write_file"
is "what they do" "$(ask "$list" | jq -c '.result.tools[]|select(.name=="bash" or .name=="man")|[.name,.annotations.readOnlyHint,.annotations.destructiveHint]' |
	tr -d '\n')" '["bash",false,true]["man",true,false]'
is "each with a schema" "$(ask "$list" | jq '[.result.tools[].inputSchema|select(.type!="object")]|length')" 0
is "only some, an agent too" "$(printf '%s\n' "$list" | serve serve --tools task,man | jq -r '[.result.tools[].name]|join(" ")')" "man task"
must_fail 2 "a tool that is not there" ts-mcp serve --tools nothing
must_fail 2 "an operand" ts-mcp serve now

# Messages that are none.
is "an unknown method" "$(ask '{"jsonrpc":"2.0","id":1,"method":"resources/list"}' | jq -c '[.id,.error.code]')" '[1,-32601]'
is "a request of a version that is not served" "$(ask '{"jsonrpc":"2.0","id":1,"method":"server/discover"}' | jq -c '[.id,.error.code]')" '[1,-32601]'
is "no JSON" "$(ask '{"jsonrpc' | jq -c '[.id,.error.code]')" '[null,-32700]'
is "no message" "$(ask '{"id":1}' | jq -c '[.id,.error.code]')" '[null,-32600]'
is "an id that is none" "$(ask '{"jsonrpc":"2.0","id":[],"method":"ping"}' | jq -c '[.id,.error.code]')" '[null,-32600]'
is "an empty list" "$(ask '[]' | jq -c .error.code)" -32600
is "a list" "$(ask '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]' | jq -c .id | tr '\n' ' ')" "1 2 "
is "a notification is not answered" "$(ask '{"jsonrpc":"2.0","method":"notifications/any"}')" ""
is "a tool that is not there" "$(ask "$(call 1 nothing '{}')" | jq -c .error.code)" -32602
is "one that is not offered" "$(ask "$(call 1 task '{}')" | jq -c .error.code)" -32602
is "no name" "$(ask '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}' | jq -c .error.code)" -32602
is "arguments that are no object" "$(ask "$(call 1 bash '"ls"')" | jq -c .error.code)" -32602
is "a line that is too long" "$({ head -c 9000000 /dev/zero | tr '\0' ' ' && echo && echo "$list"; } | serve serve |
	jq -c '[.id,.error.code]' | tr -d '\n')" '[null,-32600][1,null]'
is "garbage of all kinds" "$(printf 'x\n\377\n"\n\n{"jsonrpc":"2.0","id":1,"method":"ping"}\n' | serve serve | jq -c .id | tr '\n' ' ')" \
	"null null null 1 "

# Calls.
OPENAI_API_KEY=sk-secret-12345 && export OPENAI_API_KEY
begin
say "$hello"
say "$(call 1 read_file '{"path":"note.txt"}')"
say "$(call 2 bash '{"command":"touch never"}')"
say "$(call 3 read_file '{"path":"nothing.txt"}')"
say "$(call 4 read_file '{"pfad":1}')"
say "$(call 5 read_file '{"path":"/etc/passwd"}')"
for id in 1 2 3 4 5; do ok "call $id is answered" heard ".id==$id"; done
like "what needs no approval runs" "$(text 1)" 'in the project'
is "and is no error" "$(is_error 1)" false
like "what does is denied, with the reason" "$(text 2)" '^Denied: nobody could be asked'
is "which is an error" "$(is_error 2) $(jq -r 'select(.id==2).result._meta["turnstone/status"]' out)" "true denied"
ok "nothing was run" test ! -e never
is "a failure is an error" "$(is_error 3)" true
like "so are wrong arguments" "$(text 4)" 'path'
is "(they are)" "$(is_error 4)" true
like "outside of the project" "$(text 5)" '^Denied: nobody could be asked.*outside the project'
leave
is "the end of the input is the end" "$?" 0

printf '[[allow]]\ntool = "bash"\ncommand = "echo *"\n' >policy.toml
begin --policy policy.toml
say "$(call 1 bash '{"command":"echo by policy"}')"
say "$(call 2 bash '{"command":"touch never"}')"
ok "both are answered" heard '.id==1' && ok "(both)" heard '.id==2'
like "a policy allows" "$(text 1)" '^by policy'
is "that, and no more" "$(is_error 2)" true
leave

begin --auto-approve bash
say "$(call 1 bash '{"command":"for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done"}' ',"_meta":{"progressToken":"t"}')"
say '{"jsonrpc":"2.0","id":2,"method":"ping"}'
ok "a call" heard '.id==1'
is "its progress" "$(jq -r 'select(.method=="notifications/progress").params|[.progressToken,.message]|join(" ")' out | sed -n 1p)" "t line 1"
is "grows" "$(jq -s '[.[]|select(.params.progress).params.progress]|.==(.|unique) and length>1' out)" true
is "others are answered meanwhile" "$(jq -c 'select(.id).id' out | tr '\n' ' ')" "2 1 "
say "$(call 3 read_file '{"path":"note.txt"}')
$(call 4 read_file '{"path":"policy.toml"}')"
ok "calls that come together" heard '.id==3' && ok "(both)" heard '.id==4'
is "get each its own answer" "$(text 3 | grep -c 'in the project') $(text 4 | grep -c allow)" "1 1"
say "$(call 5 bash '{"command":"env"}')"
ok "the environment" heard '.id==5'
unlike "of a tool holds no key" "$(text 5)" 'sk-secret'
say "$(call 6 bash '{"command":"echo started >six; sleep 50; echo done >>six"}')"
ok "a call that takes long" wait_for 20 test -s six
say "$(call 6 bash '{"command":"true"}')"
ok "is there once" heard '.id==6 and .error.code==-32600'
say '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":6}}'
say '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}'
say "$(call 7 bash '{"command":"cat six"}')"
ok "and can be cancelled" heard '.id==7'
is "is then not answered" "$(jq -c 'select(.id==6 and .result)' out)" ""
exec_pid=$(pgrep -P "$(pgrep -P "$pid" -x ts-mcp)" -x ts-tool-exec)
kill -9 "$exec_pid"
say "$(call 8 bash '{"command":"echo anew"}')"
ok "a call when a stage was killed" heard '.id==8'
say "$(call 9 bash '{"command":"echo anew"}')"
ok "one behind it" heard '.id==9'
like "runs in a new pipeline" "$(text 9)" '^anew'
say "$(call 10 bash '{"command":"seq 200000"}')"
ok "a long output" heard '.id==10'
ok "is cut" test "$(text 10 | wc -c)" -lt 200000
say "$(call 11 bash '{"command":"echo started >eleven; sleep 50; echo done >>eleven"}')"
ok "a call under way" wait_for 20 test -s eleven
leave
is "is ended with the input" "$? $(cat eleven) $(jq -c 'select(.id==11)' out)" "0 started "

begin --auto-approve bash
say "$(call 1 bash '{"command":"echo started >twelve; sleep 50"}')"
ok "a call under way" wait_for 20 test -s twelve
kill -TERM "$(pgrep -P "$pid" -x ts-mcp)"
wait "$pid"
is "ends with a signal" "$?" 143
exec 7>&-
must_fail 111 "an output that is full" sh -c 'echo "$1" | ts-mcp serve >/dev/full' sh "$list"
ok "no input at all" sh -c 'ts-mcp serve <&-'

# With a client: our own, configured as others are.
cp "$SOURCE/examples/mcp-servers.json" servers.json
client() { timeout 60 ts-mcp --mcp-config servers.json "$@" 2>errors; }
is "examples/mcp-servers.json: the tools" "$(client list --json | jq -r '[.. | .tools? // empty | .[].name]|join(" ")')" "man math read_file search"
like "a call" "$(client call turnstone read_file '{"path":"note.txt"}')" 'in the project'
sed 's/"serve", /&"--auto-approve", "bash", /; s/read_file/bash,&/' servers.json >with-bash.json
like "a denied call" "$(client call turnstone read_file '{"path":"/etc/passwd"}'; cat errors)" 'Denied: nobody could be asked'
like "progress reaches the other end" "$(timeout 60 ts-mcp --mcp-config with-bash.json call turnstone bash \
	'{"command":"echo one; sleep 0.3; echo two"}' 2>&1)" 'ts-mcp: .*one'
done_testing
