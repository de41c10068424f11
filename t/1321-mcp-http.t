#!/bin/sh
# ts-mcp-http against HTTP servers of several versions, and against those that misbehave.
# shellcheck disable=SC2089,SC2090 # the quotes of JSON are meant
. "${0%/*}/lib.sh"

mkdir "$WORK/state"
background "$SOURCE/t/mcp-http-server" "$WORK/state" >"$WORK/port"
wait_for 20 test -s "$WORK/port"
base=http://127.0.0.1:$(cat "$WORK/port")
log() { jq -c "$1" "$WORK/state/log"; }
forget() { rm -f "$WORK/state"/*; }

hello='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}'
ready='{"jsonrpc":"2.0","method":"notifications/initialized"}'
call() { printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":%s}}\n' "$1" "$2" "$3"; }
# Messages on stdin, answers in the order of their ids.
bridge() { timeout 60 ts-mcp-http "$base/$1" 2>errors; }
texts() { jq -r 'select(.id and (.result.content or .error))|"\(.id) \(.result.content[0].text // .error.message)"' | sort; }
greet() { printf '%s\n' "$hello" "$ready"; }

# The ways in which an answer comes.
for words in '' sse session sse/session strict/session; do
	forget
	is "an answer ($words)" "$({ greet && call 2 echo '{"text":"ä"}'; } | bridge "$words" | texts)" "2 ä"
done
is "the order in which they reach the server" "$(log 'select(.verb=="POST").body.method' | tr -d '"' | tr '\n' ' ')" \
	"initialize notifications/initialized tools/call "
is "the session goes along from then on, and is ended" "$(log '[.verb,.headers["mcp-session-id"]==null]' | sort -u | tr -d '\n')" \
	'["DELETE",false]["GET",false]["POST",false]["POST",true]'
is "so does the version" "$(log 'select(.body.method!="initialize").headers["mcp-protocol-version"]' | sort -u)" '"2025-06-18"'
is "both kinds of answers are accepted" "$(log 'select(.verb=="POST").headers.accept' | sort -u)" \
	'"application/json, text/event-stream"'
like "progress comes before the answer, and a stream that stays open is no hindrance" "$({ greet && call 2 progress '{}'; } |
	bridge '' | jq -rs '[.[]|.params.progress // .result.content[0].text // "greeted"]|join(" ")')" '^greeted 1 2 done$'
got=$( {
	greet
	i=2
	while [ $i -le 13 ]; do
		call $i slow '{"seconds":1}'
		i=$((i + 1))
	done
} | { date +%s%N >begin && bridge session && date +%s%N >end; } | texts | grep -c 'at last')
is "twelve calls" "$got" 12
ok "run at the same time" test $((($(cat end) - $(cat begin)) / 1000000)) -lt 9000
forget
mkfifo in
background sh -c "exec timeout 60 ts-mcp-http '$base/' <in >out 2>errors"
exec 7>in
greet >&7
call 2 ask '{}' >&7
ok "a question of the server arrives, in one line" wait_for 20 grep -q '"method":"ping"' out
echo '{"jsonrpc":"2.0","id":"q","result":{"told":1}}' >&7
ok "and its answer gets there" wait_for 20 grep -q 'told' out
call 3 slow '{"seconds":20}' >&7
wait_for 20 sh -c "jq -e 'select(.body.id==3)' '$WORK/state/log'"
echo '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}' >&7
ok "a cancellation is told" wait_for 20 sh -c "jq -e 'select(.body.method==\"notifications/cancelled\")' '$WORK/state/log'"
exec 7>&-
wait "$pid"
is "and the call is waited for no more" "$? $(grep -c '"id":3' out)" "0 0"

# The server's own stream, and streams that break off.
forget
mkfifo in2
background sh -c "exec timeout 60 ts-mcp-http '$base/session/listen' <in2 >out 2>errors"
exec 7>in2
greet >&7
ok "messages of the server's own" wait_for 20 grep -q 'message 3' out
is "each comes once" "$(jq -r 'select(.method).params.data' out | tr '\n' ' ')" "message 1 message 2 message 3 "
is "it is taken up where it broke off" "$(log 'select(.verb=="GET").headers["last-event-id"]' | tr '\n' ' ')" 'null "own-1" "own-2" '
kill "$pid"
wait "$pid"
is "terminated" "$?" 143
is "the session is ended then too" "$(log 'select(.verb=="DELETE").verb')" '"DELETE"'
exec 7>&-
forget
for how in cut lost; do
	is "an answer whose stream was $how" "$({ greet && call 2 $how '{}'; } | bridge session | texts)" "2 taken up again"
done

# The end of a session.
{ greet && call 2 gone '{}'; } | bridge session >out
is "a session that the server has ended" "$? $(texts <out)" "1 2 the server has ended the session (HTTP 404)"
like "is said" "$(cat errors)" 'ts-mcp-http: the server has ended the session'

# What goes wrong is the answer to the request.
error() { printf '%s\n' '{"jsonrpc":"2.0","id":"x","method":"ping"}' | bridge "$1" | jq -r '[.id,.error.data.class // "",.error.data.status // "",.error.message]|join("|")'; }
like "401" "$(error status=401)" '^x\|auth\|401\|'
like "403" "$(error status=403)" '^x\|auth\|403\|'
like "429" "$(error status=429)" '^x\|rate_limit\|429\|'
like "500" "$(error status=500)" '^x\|server\|500\|'
is "its own words" "$(error 'status=400/json={"jsonrpc":"2.0","id":null,"error":{"code":-5,"message":"so"}}')" 'x|||so'
like "nothing" "$(error raw=nothing)" '^x\|connect\|\|the server closed the connection'
like "garbage" "$(error raw=garbage)" '^x\|protocol\|200\|the answer is not usable'
like "HTML" "$(error raw=html)" '^x\|protocol\|200\|the answer is neither JSON nor'
like "too long" "$(error raw=long)" '^x\|protocol\|200\|the answer is longer than 16777216 bytes'
like "too long a head" "$(error raw=headers)" '^x\|protocol\|[0-9]*\|the head of the answer is longer'
like "half of an answer" "$(error raw=cut)" '^x\|interrupted\|200\|the connection was lost'
is "an answer that does not come" "$(printf '%s\n' '{"jsonrpc":"2.0","id":"x","method":"ping"}' |
	timeout 60 ts-mcp-http --answer-timeout 1 "$base/raw=slow" | jq -r '.error.data.class')" timeout
like "nobody there" "$(base=http://127.0.0.1:1 error '')" '^x\|connect\|\|connection refused'
like "no such URL" "$(printf '%s\n' "$hello" | bridge status=405 | jq -r .error.message)" 'older HTTP with SSE is not supported'
is "a line that is no JSON" "$(echo '{' | bridge '' | jq -c '[.id,.error.code]')" '[null,-32700]'
is "a list" "$(echo '[]' | bridge '' | jq -c '[.id,.error.code]')" '[null,-32600]'
is "another object" "$(echo '{}' | bridge '' | jq -c '[.id,.error.code]')" '[null,-32600]'
is "a line that is too long" "$({ head -c 17000000 /dev/zero | tr '\0' ' ' && echo && call 2 echo '{"text":"b"}'; } | bridge '' |
	jq -c '[.id,.error.code]' | sort | tr -d '\n')" '[2,null][null,-32600]'
is "a long answer" "$({ greet && call 2 huge '{"size":9000000}'; } | bridge sse | wc -c)" "$({ greet && call 2 huge '{"size":0}'; } |
	bridge sse | wc -c | awk '{print $1 + 9000000}')"

# Other places, and secrets.
forget
TS_MCP_HEADERS='{"Authorization":"Bearer key-1234567890","X-Team":"a"}'
export TS_MCP_HEADERS
is "headers reach the server" "$({ greet && call 2 headers '{}'; } | bridge '' | texts | sed 's/^2 //' |
	jq -r '[.authorization,.["x-team"]]|join(" ")')" "Bearer key-1234567890 a"
like "with a redirect within the same origin" "$({ greet && call 2 headers '{}'; } | bridge redirect=sse | texts)" 'key-1234567890'
forget
like "never to another one" "$(error elsewhere)" '^x\|protocol\|308\|the server redirects \(HTTP 308\) to another place'
is "which hears nothing" "$(log '.path')" '"/elsewhere"'
like "nor for ever" "$(error loop)" '^x\|protocol\|307\|'
unlike "an error does not repeat them" "$(error 'status=400/json={"jsonrpc":"2.0","id":1,"error":{"code":-5,"message":"bad%20key-1234567890"}}')" 'key-1234567890'
unlike "in any form" "$(error 'status=500/json={"error":{"message":"bad%20Bearer%20key-1234567890"}}')" 'key-1234567890'
must_fail 3 "headers that are no object" env TS_MCP_HEADERS='secret-text' ts-mcp-http "$base/"
unlike "are not repeated" "$(cat "$WORK/.fail-output")" secret-text
must_fail 3 "a header in two lines" env 'TS_MCP_HEADERS={"X":"secret\r\nY: 1"}' ts-mcp-http "$base/"
unlike "is not repeated" "$(cat "$WORK/.fail-output")" secret
must_fail 3 "a header of ours" env 'TS_MCP_HEADERS={"mcp-SESSION-id":"1"}' ts-mcp-http "$base/"
unset TS_MCP_HEADERS
must_fail 2 "no URL" ts-mcp-http
must_fail 2 "another scheme" ts-mcp-http file:///etc/passwd
must_fail 2 "a URL with a password" ts-mcp-http http://user:secret@localhost/
unlike "which is not repeated" "$(cat "$WORK/.fail-output")" secret
must_fail 111 "an output that is full" sh -c 'echo "$2" | ts-mcp-http "$1" >/dev/full' sh "$base/" "$hello"
ok "no input at all" sh -c 'ts-mcp-http "$1" <&-' sh "$base/"
mkfifo in3
background sh -c "{ ts-mcp-http '$base/' <in3; echo \$? >code; } | :"
exec 7>in3
echo "$hello" >&7
ok "a reader that leaves ends it" wait_for 20 test -s code
exec 7>&-

# The same through ts-mcp.
mkdir -p "$XDG_CONFIG_HOME/turnstone"
configure() { printf '[mcp]\nstart_timeout = 20\n[mcp.servers.web]\nurl = "%s"\n%s\n' "$base/$1" "${2:-}" >"$XDG_CONFIG_HOME/turnstone/config.toml"; }
mcp() { timeout 60 ts-mcp "$@" 2>errors; }
configure session
is "ts-mcp: a server with sessions" "$(mcp status --json | jq -r '.[0]|[.state,.protocol,(.tools|tostring)]|join(" ")')" "ready 2025-06-18 9"
is "ts-mcp: a call" "$(mcp call web echo '{"text":"x"}')" x
forget
configure modern
is "ts-mcp: a server of 2026-07-28" "$(mcp status --json | jq -r '.[0]|[.state,.protocol,(.tools|tostring)]|join(" ")')" "ready 2026-07-28 3"
is "a call with headers that repeat arguments" "$(mcp call web headers '{"region":"Köln","deep":{"count":7},"other":1}' |
	jq -r '[.["mcp-name"],.["mcp-param-region"],.["mcp-param-count"]]|join(" ")')" 'headers =?base64?S8O2bG4=?= 7'
like "a tool that wants them in a wrong way is left out" "$(cat "$XDG_STATE_HOME/turnstone/mcp/web.log")" "tool 'bad' is left out"
SECRET_KEY=key-abcdefgh && export SECRET_KEY
# shellcheck disable=SC2016 # for ts-mcp to replace
configure session 'headers = { Authorization = "${SECRET_KEY}" }'
is "ts-mcp: headers" "$(mcp call web headers | jq -r .authorization)" key-abcdefgh
configure status=401
like "ts-mcp: a key is wanted" "$(mcp status --json | jq -r '.[0].error')" 'HTTP 401|401'
printf '[mcp.servers.old]\ntype = "sse"\nurl = "http://localhost/"\n' >"$XDG_CONFIG_HOME/turnstone/config.toml"
must_fail 3 "ts-mcp: HTTP with SSE" ts-mcp list
like "is refused with what there is" "$(cat "$WORK/.fail-output")" 'must be "stdio" or "http" \(streamable HTTP\), not "sse"'
done_testing
