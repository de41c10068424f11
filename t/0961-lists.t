#!/bin/sh
# Lists for people: what is said when there is nothing, what programs get then, how wide they are.
. "${0%/*}/lib.sh"

says() { # says WORDS COMMAND...: nothing on stdout, the words on stderr, exit code 0
	words=$1
	shift
	"$@" >out 2>err </dev/null
	is "nothing to list: $*" "$? $(cat out err)" "0 $1: $words"
}
silent() {
	"$@" >out 2>err </dev/null
	is "a program is told nothing: $*" "$? $(cat out err)" "0 "
}

says "no sessions yet" ts-session list
says "no sessions of this directory yet" ts-session --here list
says "no message holds these words" ts-session search absent
says "no tool was run yet" ts-session audit
says "nothing is remembered here yet" ts-memory list
says "no memory holds these words" ts-memory list absent
says "nothing waits for an answer" ts-approve list
says "nothing was asked yet" ts-approve list --all
says "nothing was approved for always" ts-approve rules
says "no MCP servers are configured" ts-mcp list
says "no MCP servers are configured" ts-mcp status
for command in 'ts-session --json list' 'ts-session --json search absent' 'ts-session --json audit' \
	'ts-memory --json list' 'ts-approve list --json' 'ts-approve --json rules'; do
	# shellcheck disable=SC2086 # words
	silent $command
done

for program in ts-session ts-memory ts-mcp; do
	must_fail 2 "$program: a command is needed" "$program"
	$program >out 2>err
	like "$program: and there are these" "$(cat err)" "^$program: a command is needed: .*(list|tools|remember), .* or "
done

# The end of a row gives way to the edge of the terminal, never another row.
ts-memory remember key "$(seq -s ' ' 1 60)" 2>/dev/null
wide=$(ts-memory list | tail -n 1 | wc -c)
ok "off a terminal a row is whole" test "$wide" -gt 150
for width in 8 20 40; do
	script -qec "stty cols $width; ts-memory list" /dev/null </dev/null 2>/dev/null | tr -d '\r' >shown
	is "$width columns: two rows" "$(wc -l <shown)" 2
	is "$width columns: none is longer" "$(awk -v most=$width 'length > most' shown)" ""
done

# The tools of a server that an agent may use are one entry, however many there are.
printf '[mcp.servers.lab]\ncommand = "%s"\n[mcp.servers.few]\ncommand = "%s"\nargs = ["many=0"]\n' \
	"$SOURCE/t/mcp-server" "$SOURCE/t/mcp-server" >mcp.toml
echo '{"type":"tool_batch","calls":[{"name":"plan","arguments":{"prompt":"x"}}]}' |
	ts-tool-prep --config mcp.toml 2>/dev/null | jq -r 'select(.type=="prepared").items[].preview' >shown
like "an agent's MCP tools are counted" "$(cat shown)" \
	'^It asks before: .*, mcp__few__\* \([0-9]+ tools\), mcp__lab__\* \([0-9]+ tools\)$'

# A session is known by what was said, not by what the model is told in front of it.
echo 'Use tabs.' >AGENTS.md
start_mock --script /dev/stdin <<'END'
{"times":"always","content":"fine"}
END
printf 'mend the\tclock\nplease, %s\n' "$(seq -s ' ' 1 300)" | ts-chat >/dev/null 2>&1
like "a session is told by its first prompt" "$(ts-session list | tail -n 1)" 'chat +mend the clock please, 1 2 3 .*[.]{3}$'
like "to programs, too" "$(ts-session --json list | jq -r .beginning)" '^mend the clock please, 1 2 3 '
done_testing
