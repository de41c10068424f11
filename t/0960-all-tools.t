#!/bin/sh
# All fourteen tools and one of an MCP server: in one conversation, and each by hand in the pipe.
. "${0%/*}/lib.sh"
. "$SOURCE/t/web.sh"

start_web
mkdir -p "$XDG_CONFIG_HOME/turnstone"
cat >engine <<'END'
#!/bin/sh
printf '[{"title":"About %s","url":"https://example.org/","content":"what was found"}]' "$1"
END
chmod +x engine
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<END
[web]
allow_addresses = ["127.0.0.1"]
ports = ["*"]
[search]
command = "$PWD/engine"
[mcp.servers.lab]
command = "$SOURCE/t/mcp-server"
END
echo 'the first line' >notes.txt

# Name, arguments, and what the output must match.
cat >calls <<END
bash	{"command":"echo from a shell"}	from a shell
read_file	{"path":"notes.txt"}	the first line
write_file	{"path":"new.txt","content":"fresh\n"}	new.txt
edit_file	{"path":"notes.txt","old_string":"first","new_string":"last"}	notes.txt
search	{"query":"fr[e]sh"}	new.txt:1:fresh
math	{"code":"2**64"}	18446744073709551616
man	{"page":"no-such-page"}	no-such-page
web_fetch	{"url":"http://127.0.0.1:$WEB_PORT/text"}	plain text
web_search	{"query":"turnstones"}	About turnstones
task	{"prompt":"agent, look around"}	The agent looked around[.]
plan	{"prompt":"agent, plan the repair"}	# Goal
remember	{"key":"colour","value":"green"}	colour
recall	{"query":"colour"}	colour = green
forget	{"key":"colour"}	green
mcp__lab__echo	{"text":"from a server"}	from a server
END
{
	printf '%s\n' '{"match":{"role":"user","contains":"agent, look"},"content":"The agent looked around."}' \
		'{"match":{"role":"user","contains":"agent, plan"},"content":"# Goal\n\nIt works."}'
	# One after the other: what one writes the next ones find.
	number=0
	while IFS='	' read -r name arguments _; do
		last=$number
		number=$((number + 1))
		match="{\"role\":\"tool\",\"body\":\"call-$last\\\"\"}"
		[ "$last" -gt 0 ] || match='{"role":"user","contains":"everything"}'
		jq -cn --argjson match "$match" --arg name "$name" --argjson arguments "$arguments" \
			--arg id "call-$number" \
			'{match: $match, times: 1, tool_calls: [{name: $name, id: $id, arguments: $arguments}]}'
	done <calls
	echo '{"match":{"role":"tool"},"content":"That was everything."}'
} >script
start_mock --script script

echo 'use everything' | setsid -w timeout 120 ts-chat --skip-permissions >events 2>errors
is "one conversation: exit code" "$?" 0
is "and its answer" "$(ts-render <events)" "That was everything."
is "the tools that come along are there, all of them" \
	"$(cut -f 1 calls | grep -v __ | sort | tr '\n' ' ')" \
	"$(cd "$SOURCE/tooldefs" && printf '%s\n' *.json | sed 's/[.]json//' | sort | tr '\n' ' ')"
result() { jq -r --arg name "$1" 'select(.type=="tool_result" and .name==$name and .parent_call_id==null)|'"$2" "$3"; }
# There are machines without manual pages: what man says of one that is not there will do.
wanted_status() { if [ "$1" = man ]; then echo error; else echo ok; fi; }
while IFS='	' read -r name arguments wanted; do
	is "in a conversation: $name" "$(result "$name" .status events)" "$(wanted_status "$name")"
	like "in a conversation: $name: what it says" "$(result "$name" .output events)" "$wanted"
done <calls
is "the account of it has a line before and after each" \
	"$(ts-session --json audit | jq -r .event | sort | uniq -c | awk '{printf "%s %s ", $1, $2}')" "15 after 15 before "
is "two agents have sessions of their own" \
	"$(ts-session --json --all list | jq -r .kind | sort | tr '\n' ' ')" "chat plan task "

rm new.txt
echo 'the first line' >notes.txt
while IFS='	' read -r name arguments wanted; do
	# What is edited must have been read, and nobody has before.
	before=
	[ "$name" != edit_file ] || before='{"name":"read_file","arguments":{"path":"notes.txt"}},'
	printf '{"type":"tool_batch","calls":[%s{"name":"%s","arguments":%s}]}\n' "$before" "$name" \
		"$arguments" | ts-tool-prep | ts-approve --skip-permissions | timeout 40 ts-tool-exec >results 2>errors
	cp results "results.$name"
	is "by hand: $name" "$(result "$name" .status results)" "$(wanted_status "$name")"
	like "by hand: $name: what it says" "$(result "$name" .output results)" "$wanted"
done <calls
like "by hand nobody is left to review a plan, which is said" "$(result plan .output results.plan)" \
	"^Nobody has reviewed this plan[.]$"

# The same when the input ends while the plan is under review.
printf '%s\n' '{"type":"tool_batch","calls":[{"name":"plan","arguments":{"prompt":"agent, plan the repair"}}]}' |
	ts-tool-prep | ts-approve --skip-permissions >decided
: >results
reviewing() { grep -q '"type":"review"' results; }
{
	cat decided
	wait_for 30 reviewing
} | timeout 40 ts-tool-exec >results 2>errors
like "a review is given up when the input ends" "$(result plan '.status + ": " + .output' results)" "^Nobody has reviewed"
done_testing
