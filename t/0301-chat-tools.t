#!/bin/sh
# ts-chat: the loop of model calls and tool batches.
. "${0%/*}/lib.sh"

bash_call() { printf '{"name":"bash","id":"%s","arguments":{"command":"%s"}}' "$1" "$2"; }
results() { jq -c 'select(.type=="tool_result")|[.call_id,.status]' "$1"; }
last_messages() { jq -cs '[.[]|select(.type=="request" and (.path|test("completions")))][-1].body.messages' requests; }

# Two turns: calls, then an answer that quotes the last result.
cat >script <<E2
{"match":{"role":"user","contains":"two files"},"tool_calls":[$(bash_call a 'echo one > one; echo made one'),$(bash_call b 'echo made two')]}
{"match":{"role":"user","contains":"two words"},"tool_calls":[$(bash_call a 'echo made one'),$(bash_call b 'echo made two')]}
{"match":{"role":"user","contains":"read only"},"tool_calls":[{"name":"read_file","id":"r","arguments":{"path":"notes"}}]}
{"match":{"role":"user","contains":"damaged"},"tool_calls":[{"name":"read_file","id":"d","arguments":"{\"path\": \"notes\",}"}]}
{"match":{"role":"user","contains":"hopeless"},"tool_calls":[{"name":"read_file","id":"h","arguments":"{{{"}]}
{"match":{"role":"user","contains":"stranger"},"tool_calls":[{"name":"no_such_tool","id":"s","arguments":{}}]}
{"match":{"body":"in circles"},"tool_calls":[{"name":"read_file","arguments":{"path":"notes"}}]}
{"match":{"role":"tool"},"content":"The tool said: {{last_tool_result}}"}
E2
echo 'a note' >notes
start_mock --script script --log requests
unset_terminal='setsid -w'

$unset_terminal ts-chat --no-stdin two files >events 2>errors
is "nobody to ask: exit code" "$?" 5
is "nobody to ask: every call is denied" "$(results events)" '["a","denied"]
["b","denied"]'
ok "and nothing ran" test ! -e one
like "the model was told that it was denied" "$(last_messages)" '[Dd]enied'
is "the result line says so" "$(jq -r 'select(.type=="result").status' events)" denied

$unset_terminal ts-chat --skip-permissions --no-stdin two files >events
is "skip permissions: exit code" "$?" 0
is "skip permissions: both ran" "$(results events | sort)" '["a","ok"]
["b","ok"]'
ok "with their effect in the project" test -s one
is "results go back in the order of the calls" \
	"$(last_messages | jq -r '[.[]|select(.role=="tool").tool_call_id]|join(" ")')" "a b"
like "the answer has what the tool said" "$(jq -r 'select(.type=="result").text' events)" 'made two'
is "one result event per call" "$(results events | wc -l)" 2
is "states in order" "$(jq -r 'select(.type=="state_change").state' events | tr '\n' ' ')" \
	"thinking running thinking idle "

cat >policy.toml <<'E2'
[[allow]]
tool = "bash"
command = "echo *"
E2
$unset_terminal ts-chat --policy policy.toml --no-stdin two words >events
is "a policy that allows: exit code" "$?" 0
is "a policy that allows: the calls run" "$(results events | sort)" '["a","ok"]
["b","ok"]'

$unset_terminal ts-chat --no-stdin read only >events
is "reading asks nobody" "$?" 0
like "and returns the file" "$(jq -r 'select(.type=="result").text' events)" 'a note'

ts-chat --skip-permissions --no-stdin damaged >events
is "damaged arguments are repaired" "$(results events)" '["d","ok"]'
is "the history then holds arguments a server accepts" \
	"$(last_messages | jq -r '[.[]|select(.tool_calls)][0].tool_calls[0].function.arguments|fromjson|type')" object
ts-chat --no-stdin hopeless >events
is "hopeless arguments are an error of that call" "$(results events)" '["h","error"]'
is "and the turn goes on" "$(jq -r 'select(.type=="turn_complete").status' events)" ok
ts-chat --no-stdin stranger >events
is "an unknown tool is an error of that call" "$(results events)" '["s","error"]'

ts-chat --no-stdin go in circles >events
is "a model that goes in circles: exit code" "$?" 6
like "it was told" "$(jq -r 'select(.type=="tool_result").output' events)" 'called 5 times in a row'
ok "and stopped" test "$(results events | wc -l)" -le 8
ts-chat --max-turns 2 --no-stdin go in circles >events
is "--max-turns: exit code" "$?" 6
like "--max-turns: the reason" "$(jq -r 'select(.type=="result").exit_reason' events)" 'limit of 2 model calls'
ts-chat --budget-tokens 1 --no-stdin go in circles >events
is "--budget-tokens: exit code" "$?" 6

$unset_terminal ts-chat --skip-permissions --no-stdin two files >/dev/null
is "request N is a prefix of request N+1" "$(jq -cs '[.[]|select(.type=="request" and (.path|test("completions"))).body][-2:]
	| (.[0].messages|length) as $n | (.[0].messages == .[1].messages[:$n]) and (.[0].tools == .[1].tools)' requests)" true
ok "nothing is left behind" sh -c '! ls "$XDG_RUNTIME_DIR"/turnstone | grep -v "^jail$"'

ts-chat --tools search --no-stdin read only >events
is "a tool that was not offered cannot be called" "$(results events)" '["r","error"]'
done_testing
