#!/bin/sh
# ts-tool-exec: tools that make calls themselves, ask for them, and report them.
. "${0%/*}/lib.sh"

TS_TOOLDEFS_DIR=$WORK/tooldefs
export TS_TOOLDEFS_DIR
mkdir "$TS_TOOLDEFS_DIR"
tool() { # tool NAME MEMBERS < script
	cat >"$TS_TOOLDEFS_DIR/$1" && chmod +x "$TS_TOOLDEFS_DIR/$1"
	printf '{"name":"%s","description":"a tool that is used by a test","parameters":{"type":"object",
		"properties":{},"additionalProperties":false},"command":["%s"]%s}' "$1" "$1" "$2" \
		>"$TS_TOOLDEFS_DIR/$1.json"
}
# Asks for one call and for a review, and prints the answers.
asker() {
	cat <<'END'
#!/bin/sh
echo '{"type":"prepared","batch_id":"n1","correlation_id":"mine","parent_call_id":"forged","items":[
	{"call_id":"i1","func_name":"bash","arguments":{"command":"ls"},"decision":"allow"}]}' | tr -d '\n\t' >&3
echo >&3
echo '{"type":"review","request_id":"r1","content":"a plan"}' >&3
read -r first <&4 && read -r second <&4
printf '%s\n%s\n' "$first" "$second"
END
}
asker | tool ask ',"sandbox":"self"'
asker | sed 's/read .*/exit 0/' | tool ask_unheard ''
tool ask_and_die ',"sandbox":"self"' <<'END'
#!/bin/sh
echo '{"type":"prepared","batch_id":"n1","items":[]}' >&3
echo '{"type":"review","request_id":"r1","content":"x"}' >&3
echo '{"type":"display","text":"asked"}' >&3
echo asked
exit 1
END
tool ask_and_wait ',"sandbox":"self"' <<'END'
#!/bin/sh
echo '{"type":"prepared","batch_id":"n1","items":[]}' >&3
read -r answer <&4
echo "$answer"
END
tool report ',"sandbox":"self","stream":true' <<'END'
#!/bin/sh
echo 'my own line'
for line in '{"type":"tool_info","batch_id":"n1","items":[]}' \
	'{"type":"tool_output_chunk","call_id":"i1","chunk":"one\n"}' \
	'{"type":"tool_result","call_id":"i1","name":"bash","status":"ok","output":"one"}' \
	'{"type":"info","message":"thinking"}' \
	'{"type":"usage","prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"calls":1}' \
	'{"type":"decided","batch_id":"n9","items":[]}' '{"type":"batch_complete","batch_id":"b"}' \
	'{"type":"turn_complete"}' '{"type":"cancel"}' '{"type":"tool_batch","calls":[]}' \
	'{"type":"approve","request_id":"x","approved":true}' '{"type":"prepared"}' \
	'{"type":"prepared","batch_id":"n2"}' '{"type":"review"}' '[]' 'garbage'; do
	printf '%s\n' "$line" >&3
done
END
tool flood ',"sandbox":"self"' <<'END'
#!/bin/sh
yes '{"type":"info","message":"more and more"}' | head -n 60000 >&3
n=0
while [ $n -lt 20 ]; do
	echo "{\"type\":\"prepared\",\"batch_id\":\"n$n\",\"items\":[{\"call_id\":\"i\"}]}" >&3
	n=$((n + 1))
done
read -r answer <&4
printf '%s\n' "$answer"
END
tool many ',"sandbox":"self"' <<'END'
#!/bin/sh
n=0
while [ $n -lt 20 ]; do
	echo "{\"type\":\"prepared\",\"batch_id\":\"n$n\",\"items\":[{\"call_id\":\"i\"}]}" >&3
	n=$((n + 1))
done
n=0
while [ $n -lt 4 ]; do
	read -r answer <&4
	printf '%s\n' "$answer"
	n=$((n + 1))
done
END

decided() { # decided TOOL...
	printf '{"type":"decided","batch_id":"b","items":['
	separator=
	for one; do
		printf '%s{"call_id":"c-%s","func_name":"%s","arguments":{},"decision":"allow","decided_by":"flag"}' \
			"$separator" "$one" "$one"
		separator=,
	done
	echo ']}'
}
output() { jq -r 'select(.type == "tool_result" and .parent_call_id == null).output'; }

mkfifo in
start() { # start TOOL...: an executor that runs them; we write to it on 9
	: >out
	timeout -s KILL 60 ts-tool-exec <in >out &
	pid=$!
	exec 9>in
	decided "$@" >&9
}
finish_input() {
	exec 9>&-
	wait "$pid"
}
has() { grep -q "$1" out; }

# Asked and answered.
start ask
ok "a request goes out" wait_for 10 has '"type":"review"'
is "with the call it belongs to, whatever the tool says, and no correlation of its own" \
	"$(jq -c 'select(.type == "prepared" or .type == "review") | [.type, .parent_call_id, .batch_id, .request_id, .correlation_id]' out)" \
	'["prepared","c-ask","n1",null,null]
["review","c-ask",null,"r1",null]'
before=$(wc -l <out)
cat >&9 <<'END'
{"type":"decided","parent_call_id":"c-ask","batch_id":"not-asked","items":[{"call_id":"i1","func_name":"bash","decision":"allow"}]}
{"type":"decided","parent_call_id":"c-nobody","batch_id":"n1","items":[{"call_id":"i1","func_name":"bash","decision":"allow"}]}
{"type":"decided","parent_call_id":"c-ask","batch_id":"n1","items":[{"call_id":"i1","func_name":"bash","decision":"deny"}],  "x":1}
{"type":"reviewed","parent_call_id":"c-ask","request_id":"r2","verdict":"accepted"}
{"type":"decided","parent_call_id":"c-ask","batch_id":"n1","items":[{"call_id":"i1","func_name":"bash","decision":"allow"}]}
{"type":"reviewed","parent_call_id":"c-ask","request_id":"r1","verdict":"annotated","feedback":"shorter"}
END
ok "answers arrive" wait_for 10 has batch_complete
is "each once, for what was asked, byte for byte" "$(output <out)" \
	'{"type":"decided","parent_call_id":"c-ask","batch_id":"n1","items":[{"call_id":"i1","func_name":"bash","decision":"deny"}],  "x":1}
{"type":"reviewed","parent_call_id":"c-ask","request_id":"r1","verdict":"annotated","feedback":"shorter"}'
is "nothing of it is run, or goes on" "$(tail -n "+$((before + 1))" out | jq -r .type | tr '\n' ' ')" "tool_result batch_complete "
finish_input

# Nobody answers: an approver that does not know the lines passes them on.
start ask
wait_for 10 has '"type":"review"'
grep -e '"prepared"' -e '"review"' out >&9
ok "a request that comes round unanswered is denied" wait_for 10 has batch_complete
is "by nobody" "$(output <out | jq -c '[.type, .items[0].decision?, .items[0].decided_by?, .verdict]')" \
	'["decided","deny","nobody",null]
["reviewed",null,null,"unreviewed"]'
finish_input

# Other tools may not ask.
decided ask_unheard | timeout -s KILL 30 ts-tool-exec >out
is "an ordinary tool's request goes nowhere" "$(jq -r .type out | tr '\n' ' ')" "tool_result batch_complete "

# The end of one that has asked.
start ask_and_die
wait_for 30 has batch_complete
finish_input
is "a tool that dies takes back what it asked, before its result" \
	"$(jq -c '[.type, .parent_call_id, .batch_id, .request_id]' out)" \
	'["prepared","c-ask_and_die","n1",null]
["review","c-ask_and_die",null,"r1"]
["cancel","c-ask_and_die","n1",null]
["cancel","c-ask_and_die","r1","r1"]
["tool_result",null,null,null]
["batch_complete",null,"b",null]'
start ask_and_wait
wait_for 10 has prepared
echo '{"type":"cancel","batch_id":"n1","parent_call_id":"c-ask_and_wait"}' >&9
echo '{"type":"cancel","batch_id":"b","parent_call_id":"c-ask_and_wait"}' >&9
echo '{"type":"mark"}' >&9
ok "the cancel of a nested request" wait_for 5 has mark
is "stops nothing, and goes no further" "$(jq -r .type out | tr '\n' ' ')" "prepared mark "
echo '{"type":"cancel"}' >&9
ok "cancel ends a call that waits for an answer" wait_for 5 has batch_complete
is "and what it had asked" "$(sed 1,2d out | jq -c '[.type, .status, .parent_call_id]')" \
	'["cancel",null,"c-ask_and_wait"]
["tool_result","unknown",null]
["batch_complete",null,null]
["cancel",null,null]'
finish_input

# Reports.
decided report | timeout -s KILL 30 ts-tool-exec >out
is "what it reports is passed on, with its call; nothing that would decide or end anything" \
	"$(jq -c 'select(.parent_call_id) | [.type, .parent_call_id]' out)" \
	'["tool_info","c-report"]
["tool_output_chunk","c-report"]
["tool_result","c-report"]
["info","c-report"]
["usage","c-report"]'
is "the rest is its own" "$(jq -c 'select(.parent_call_id == null) | [.type, .call_id]' out | sort)" \
	'["batch_complete",null]
["tool_output_chunk","c-report"]
["tool_result","c-report"]'
is "a nested chunk keeps its call" "$(jq -c 'select(.type == "tool_output_chunk" and .parent_call_id) | [.call_id, .chunk]' out)" '["i1","one\n"]'

# Bounds.
decided flood | timeout -s KILL 60 ts-tool-exec >out
is "a flood is cut off, and that is said" "$(grep -c '"info"' out) $(grep -c 'not shown here' out)" "50001 1"
is "then its requests are denied" "$(output <out | jq -r '.items[0].decision')" deny
decided ask_and_wait | timeout -s KILL 30 ts-tool-exec >out
is "when the input has ended nobody can be asked" \
	"$(output <out | jq -r '.type + " " + .batch_id')" "decided n1"
start ask_and_wait
wait_for 30 has '"prepared"'
finish_input
is "also when it ends while a call waits" "$(output <out | jq -r '.type + " " + .batch_id')" "decided n1"

start many
wait_for 30 has batch_complete
finish_input
is "so are more than 16 at once" "$(grep -c '"type":"prepared"' out) $(output <out | jq -rs 'map(.batch_id) | join(" ")')" \
	"16 n16 n17 n18 n19"

done_testing
