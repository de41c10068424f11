#!/bin/sh
# ts-mcp against servers of every era, and against servers that misbehave.
. "${0%/*}/lib.sh"

server=$SOURCE/t/mcp-server
config=$XDG_CONFIG_HOME/turnstone/config.toml
mkdir -p "$XDG_CONFIG_HOME/turnstone"

# One server with these words on its command line, and further lines of its table on stdin.
configure() {
	words=
	for word; do words="$words\"$word\","; done
	{
		echo '[mcp]'
		echo "start_timeout = ${start_timeout:-20}"
		printf '[mcp.servers.lab]\ncommand = "%s"\nargs = [%s]\n' "$server" "$words"
		cat
	} >"$config"
}
mcp() { timeout 60 ts-mcp "$@" 2>errors; }
status() { mcp status --json | jq -r ".[0]|$1"; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# Versions.
for version in 2024-11-05 2025-03-26 2025-06-18 2025-11-25; do
	configure version=$version </dev/null
	is "version $version" "$(status '[.state,.protocol,(.tools|tostring)]|join(" ")')" "ready $version 18"
done
configure modern log="$WORK/messages" </dev/null
is "version 2026-07-28" "$(status '[.state,.protocol]|join(" ")')" "ready 2026-07-28"
is "every request then says version, client and capabilities" \
	"$(jq -c 'select(.id)|.params._meta|keys' "$WORK/messages" | sort -u)" \
	'["io.modelcontextprotocol/clientCapabilities","io.modelcontextprotocol/clientInfo","io.modelcontextprotocol/protocolVersion"]'
is "and it is not greeted in the old way" "$(jq -r .method "$WORK/messages" | grep -c initialize)" 0
is "changes of its list are asked for" "$(jq -c 'select(.method=="subscriptions/listen").params.notifications' \
	"$WORK/messages")" '{"toolsListChanged":true}'
configure both </dev/null
is "a server of both eras is spoken to in the newer one" "$(status .protocol)" 2026-07-28
rm -f "$WORK/messages"
configure log="$WORK/messages" </dev/null
mcp list >/dev/null
is "an older server: the order of the greeting" "$(jq -r .method "$WORK/messages" | tr '\n' ' ')" \
	"server/discover initialize notifications/initialized tools/list "
is "what is announced" "$(jq -c 'select(.method=="initialize").params|[.protocolVersion,.capabilities,.clientInfo.name]' \
	"$WORK/messages")" '["2025-11-25",{"roots":{}},"turnstone"]'
configure silent-probe </dev/null
is "an older server that ignores server/discover" "$(status .state)" ready
configure die-at-probe </dev/null
is "an older server that ends at server/discover" "$(status .state)" ready
configure version=1999-01-01 </dev/null
is "a version that nobody knows" "$(status .state)" failed
like "is named" "$(status .error)" "speaks version '1999-01-01' of the protocol; known here are 2026-07-28 and"

# Lists.
configure pages=4 many=30 </dev/null
is "pages are put together" "$(status .tools)" 48
configure endless </dev/null
is "a list without end ends" "$(status .state)" ready
like "which is said" "$(cat errors)" 'list of tools without end'
configure many=600 </dev/null
is "too many tools" "$(status .state)" failed
like "are refused" "$(status .error)" 'more than 512 tools'
configure no-tools </dev/null
is "a server without tools" "$(status '[.state,(.tools|tostring)]|join(" ")')" "ready 0"

# Starting that fails.
configure exit-at-start </dev/null
is "a server that ends at once" "$(status .state)" failed
like "its last words are the reason" "$(status .error)" "MCP server 'lab' ended with exit code 7: no license found"
like "and list says so" "$(mcp list)" "^lab: not available: MCP server 'lab' ended with exit code 7: no license found"
must_fail 1 "and fails" ts-mcp list lab
start_timeout=1
for method in server/discover initialize tools/list; do
	configure hang=$method </dev/null
	begin=$(milliseconds)
	got=$(mcp list)
	took=$(($(milliseconds) - begin))
	case $method in
	server/discover) like "a server that hangs at $method is an older one" "$got" 'lab: 18 tools|within 1 s' ;;
	*) like "a server that hangs at $method is given up" "$got" "did not answer $method within 1 s" ;;
	esac
	ok "in time ($took ms)" test "$took" -lt 8000
done
is "the failure is remembered" "$(mcp tools)" "[]"
like "and said, with what to do" "$(cat errors)" "did not answer tools/list .*s ago; 'ts-mcp list lab' asks it again"
unlike "so that not every start waits for it" "$(cat errors)" 'asking MCP server'
start_timeout=20
{
	printf '[mcp]\nstart_timeout = 2\n'
	for one in 1 2 3 4; do
		printf '[mcp.servers.hang%s]\ncommand = "%s"\nargs = ["hang=tools/list"]\n' $one "$server"
	done
	printf '[mcp.servers.well]\ncommand = "%s"\n' "$server"
} >"$config"
begin=$(milliseconds)
got=$(mcp tools | jq -r '.[0].name')
took=$(($(milliseconds) - begin))
is "servers that hang do not keep others from being offered" "$got" mcp__well__ask
ok "all are started at the same time ($took ms)" test "$took" -lt 7000
configure </dev/null
sed -i 's|^command = .*|command = "/does/not/exist"|' "$config"
is "a program that is not there" "$(status .state)" failed
like "is named" "$(status .error)" '/does/not/exist'

# Garbage.
configure garbage </dev/null
is "garbage on stdout is passed over" "$(mcp call lab echo '{"text":"x"}')" "echo: x"
like "and kept in the log" "$(cat "$XDG_STATE_HOME/turnstone/mcp/lab.log")" 'no message on stdout.*Server listening'
configure stderr=40000 </dev/null
is "a flood on stderr does not disturb" "$(mcp call lab echo '{"text":"x"}')" "echo: x"
is "and is bounded" "$(mcp call lab echo '{"text":"x"}' && mcp call lab echo '{"text":"x"}' &&
	find "$XDG_STATE_HOME/turnstone/mcp" -size +1100k)" "echo: x
echo: x"
like "status shows its end" "$(mcp status)" '^  \| line 40000 of many'
configure </dev/null
is "a second answer to one request is nothing" "$(mcp call lab twice)" one
is "a long line" "$(mcp call lab huge '{"size":9000000}' | wc -c)" 9000001
must_fail 1 "a line that is too long" ts-mcp call lab huge '{"size":17000000}'
like "is an error" "$(cat "$WORK/.fail-output")" "sent a line longer than 16777216 bytes"

# Calls.
is "text" "$(mcp call lab echo '{"text":"ä"}')" "echo: ä"
is "arguments from stdin" "$(echo '{"text":"in"}' | mcp call lab echo -)" "echo: in"
mcp call lab things >got
is "audio is saved with its bytes" "$(sed -n '1s/^\[audio\/wav, 3 bytes: saved as \(.*\.wav\)\]$/\1/p' got | xargs cat | wc -c)" 3
is "what is no base64" "$(sed -n 2p got)" '[image/png: not saved: it is not base64]'
is "a link to a resource" "$(sed -n 3p got)" "[resource 'a', text/plain, 5 bytes: file:///a] about a"
is "an embedded text" "$(sed -n 4,5p got)" '[text/plain of resource file:///b]
inside b'
like "embedded bytes" "$(sed -n 6p got)" '^\[application/x-c of resource file:///c, 4 bytes: saved as /.*\.bin\]$'
is "another kind" "$(sed -n 7p got)" "[content of type 'smell', which is not known here]"
is "structured content alone" "$(mcp call lab structured)" '{"a":1}'
is "nothing at all" "$(mcp call lab empty)" '(no output)'
is "JSON as it came" "$(mcp call --json lab structured)" '{"content":[],"structuredContent":{"a":1}}'
must_fail 1 "isError fails" ts-mcp call lab fail
is "with its text" "$(cat "$WORK/.fail-output")" "Error: it went wrong"
must_fail 1 "an error of the protocol fails" ts-mcp call lab refuse
like "with its text" "$(cat "$WORK/.fail-output")" "refused the call: no such thing \(-32602\)"
must_fail 1 "a server that dies in a call" ts-mcp call lab die
must_fail 1 "a tool that is not there" ts-mcp call lab nothing
like "is named" "$(cat "$WORK/.fail-output")" "MCP server 'lab' has no tool 'nothing'"
must_fail 1 "a server that is not there" ts-mcp call nobody echo
must_fail 2 "arguments that are no object" ts-mcp call lab echo '[1]'
must_fail 1 "a definition that is another one" ts-mcp call --hash 00 lab echo '{"text":"x"}'
like "is not called" "$(cat "$WORK/.fail-output")" "not called: MCP server 'lab' has changed the description"

# The server's own requests.
like "ping is answered" "$(mcp call lab ask)" '"result":\{\}'
like "roots/list is answered with the project" "$(mcp call lab ask '{"method":"roots/list"}')" \
	'"roots":\[\{"uri":"file:///[^"]*/project","name":"project"\}\]'
for method in sampling/createMessage elicitation/create something/else; do
	like "$method is refused" "$(mcp call lab ask "{\"method\":\"$method\"}")" '"error":\{"code":-32601'
done
configure modern </dev/null
must_fail 1 "a result that wants input" ts-mcp call lab input
like "is refused with what it wants" "$(cat "$WORK/.fail-output")" 'asks for elicitation/create, which is not supported'
is "a result that wants to be asked again" "$(mcp call lab retry)" 'again with opaque'

# Environment.
export OPENAI_API_KEY=sk-secret TURNSTONE_API_KEY=sk-secret SOME_TOKEN=token-1 OTHER=other
configure <<'E2'
env = { GIVEN = "yes", TOKEN = "${SOME_TOKEN}", BEARER = "Bearer ${SOME_TOKEN}!", NONE = "", PLAIN = "$SOME_TOKEN ${} ${1} ${SOME-TOKEN} ${SOME_TOKEN" }
E2
got=$(mcp call lab env)
unlike "a server gets none of our keys" "$got" 'sk-secret|OPENAI|TURNSTONE'
unlike "and nothing else of our environment" "$got" '^OTHER='
like "but what it is given" "$got" '^GIVEN=yes$'
like "also from our environment" "$got" '^TOKEN=token-1$'
like "with what stands around it" "$got" '^BEARER=Bearer token-1!$'
like "also nothing" "$got" '^NONE=$'
is "what only looks so stays" "$(printf '%s\n' "$got" | grep ^PLAIN)" \
	"PLAIN=\$SOME_TOKEN \${} \${1} \${SOME-TOKEN} \${SOME_TOKEN"
like "and what every program needs" "$got" '^PATH='
configure hang=tools/call pid="$WORK/secret-pid" <<'E2'
env = { TOKEN = "not-on-a-command-line" }
timeout = 20
E2
background ts-mcp call lab echo '{"text":"x"}' 2>/dev/null
wait_for 20 test -s "$WORK/secret-pid"
commands=$(for process in /proc/[0-9]*; do
	{ tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null
	echo
done | grep -F "$WORK/secret-pid")
unlike "a value is on nobody's command line" "$commands" 'not-on-a-command-line'
like "(its processes were seen)" "$commands" 'ts-jail'
kill "$pid"
wait "$pid" 2>/dev/null
is "terminated: the exit code" "$?" 143
ok "and no server is left" wait_for 10 all_gone "$WORK/secret-pid"
configure <<'E2'
env = { TOKEN = "${NOT_SET_ANYWHERE}" }
E2
must_fail 1 "a variable that is not set" ts-mcp call lab echo '{"text":"x"}'
like "is named" "$(cat "$WORK/.fail-output")" 'the variable NOT_SET_ANYWHERE is not set'

# The end.
configure ignore-eof pid="$WORK/stubborn" </dev/null
begin=$(milliseconds)
is "a server that does not leave" "$(mcp call lab echo '{"text":"x"}')" "echo: x"
took=$(($(milliseconds) - begin))
ok "is ended ($took ms)" test "$took" -lt 15000
ok "it has gone" all_gone "$WORK/stubborn"
configure hang=tools/call pid="$WORK/killed" </dev/null
background ts-mcp call lab echo '{"text":"x"}' 2>/dev/null
wait_for 20 test -s "$WORK/killed"
kill -9 "$pid"
wait "$pid" 2>/dev/null
ok "kill -9 of ts-mcp leaves no server" wait_for 15 all_gone "$WORK/killed"
ok "status of no servers" sh -c ': >"$1" && ts-mcp status && ts-mcp list' sh "$config"
must_fail 2 "no command" ts-mcp
must_fail 2 "another command" ts-mcp dance
must_fail 2 "session by hand" ts-mcp session
done_testing
