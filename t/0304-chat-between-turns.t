#!/bin/sh
# ts-chat: what one model call or turn leaves for the next: history, state, usage, the model.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"role":"user","contains":"nothing"},"content":""}
{"match":{"role":"user","contains":"broken"},"status":400,"error":"no such thing"}
{"match":{"role":"user","contains":"look"},"tool_calls":[{"name":"read_file","id":"r","arguments":{"path":"notes"}}],"usage":{"prompt_tokens":100,"completion_tokens":10}}
{"match":{"role":"tool"},"content":"seen","usage":{"prompt_tokens":200,"completion_tokens":20}}
{"times":"always","content":"fine"}
E2
echo 'a note' >notes
start_mock --script script --log requests
completions() { jq -cs 'map(select(.type=="request" and (.path|test("completions"))))'" | $1" requests; }
talk() { # talk MESSAGE...
	for message; do printf '{"type":"send","message":"%s"}\n' "$message"; done |
		ts-chat --ndjson --no-project-instructions >events 2>errors
}

talk nothing hello
is "E-11: an empty answer is an error of its turn" \
	"$(jq -r 'select(.type=="turn_complete").status' events | tr '\n' ' ')" "error ok "
like "which is said" "$(jq -r 'select(.type=="error").message' events)" 'empty answer'
is "and no message of the history" "$(completions 'last.body.messages|map(select(.role=="assistant" and (.content//"")==""))|length')" 0
is "E-12: two user messages never follow each other" "$(completions '
	last.body.messages|map(.role)|[range(1;length) as $i|select(.[$i]=="user" and .[$i-1]=="user")]|length')" 0

talk broken hello
is "E-44: the state after an error" "$(jq -r 'select(.type=="state_change" or .type=="turn_complete")|.state//.status' events | tr '\n' ' ')" \
	"thinking idle error thinking idle ok "
is "E-12: nor after a turn that failed" "$(completions '
	last.body.messages|map(.role)|[range(1;length) as $i|select(.[$i]=="user" and .[$i-1]=="user")]|length')" 0

ts-chat --no-stdin look >events
is "E-47: every call of a turn counts" \
	"$(jq -c 'select(.type=="result").usage|[.prompt_tokens,.completion_tokens,.total_tokens]' events)" '[300,30,330]'

# Each call of the turn would pay again for the model that is gone.
mkdir -p "$XDG_CONFIG_HOME/turnstone"
spare=$BASE_URL
printf '%s\n' '{"times":"always","status":500,"error":"down"}' >down
start_mock --script down --log asked
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<E2
[model]
default = "gone"
fallback = ["spare"]
[models.gone]
base_url = "$BASE_URL"
model = "x"
retries = 0
[models.spare]
base_url = "$spare"
model = "y"
E2
unset TURNSTONE_BASE_URL
ts-chat --no-stdin look >events 2>errors
is "E-23: a turn with a fallback: exit code" "$?" 0
is "the calls of a turn stay with the fallback that answered" "$(grep -c '"path":"[^"]*completions"' asked)" 1

done_testing
