#!/bin/sh
# What ts-llm sends: only what was set, in the form that the model wants.
. "${0%/*}/lib.sh"

cat >script <<'END'
{"match":{"body":"stream_options","contains":"no usage, please"},"status":400,"error":"Unrecognized request argument: stream_options"}
{"match":{"regex":"."},"content":"ok"}
END
start_mock --script script --log requests
body() { # body LINE [options]: what was sent for it
	line=$1
	shift
	: >requests
	printf '%s\n' "$line" | timeout 10 ts-llm --retries 0 "$@" >output 2>errors
	jq -c 'select(.path == "/chat/completions").body' requests
}
hi='{"type":"request","id":1,"messages":[{"role":"user","content":"hi"}]'

is "by default nothing but what is needed" "$(body "$hi}" --model m)" \
	'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}'
is "empty tools are left out" "$(body "$hi,\"tools\":[]}" --model m | jq 'has("tools")')" false
is "tools are sent as they came" "$(body "$hi,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}]}" --model m |
	jq -c .tools)" '[{"type":"function","function":{"name":"a"}}]'
is "settings of the request" "$(body "$hi,\"max_tokens\":5,\"temperature\":0,\"reasoning_effort\":\"low\"}" --model m |
	jq -c '[.max_completion_tokens, .temperature, .reasoning_effort]')" '[5,0,"low"]'
is "settings of the configuration" "$(body "$hi}" --model m --max-tokens 7 --temperature 0.5 --reasoning-effort high |
	jq -c '[.max_completion_tokens, .temperature, .reasoning_effort]')" '[7,0.5,"high"]'
is "those of the request count first" "$(body "$hi,\"max_tokens\":5}" --model m --max-tokens 7 |
	jq -c .max_completion_tokens)" 5

mkdir -p "$XDG_CONFIG_HOME/turnstone"
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<'END'
[models.old]
model = "old-model"
system_role = "developer"
effort_field = "chat_template_kwargs"
token_limit_field = "max_tokens"
reasoning_effort = "low"
max_tokens = 9
replay_reasoning = true
extra_body = { top_k = 40, temperature = 0.9, chat_template_kwargs = { enable_thinking = false } }

[models.plain]
model = "plain-model"
effort_field = "none"
reasoning_effort = "low"

[models.whole]
model = "whole-model"
extra_body = { stream = false }
END
talk='{"type":"request","id":1,"model":"MODEL","temperature":0.1,"messages":[
{"role":"system","content":"s"},{"role":"user","content":"u"},
{"role":"assistant","content":null,"reasoning":"because","reasoning_field":"reasoning","tool_calls":[
{"id":"1","type":"function","function":{"name":"f","arguments":"{broken"}},
{"id":"2","type":"function","function":{"name":"g","arguments":"{\"a\":1}"}},
{"id":"3","type":"function","function":{"name":"h"}}]},
{"role":"tool","tool_call_id":"1","content":"r"}]}'
talk=$(printf '%s' "$talk" | tr -d '\n')
as() { printf '%s' "$talk" | sed "s/MODEL/$1/"; }

sent=$(body "$(as old)")
is "the roles and fields a model wants" \
	"$(printf '%s' "$sent" | jq -c '[.model, .messages[0].role, .max_tokens, has("max_completion_tokens"), has("reasoning_effort")]')" \
	'["old-model","developer",9,false,false]'
is "extra_body is merged" "$(printf '%s' "$sent" | jq -Sc '[.top_k, .temperature, .chat_template_kwargs]')" \
	'[40,0.9,{"enable_thinking":false,"reasoning_effort":"low"}]'
is "reasoning goes back under its name" "$(printf '%s' "$sent" | jq -c '.messages[2] | [.reasoning, has("reasoning_field")]')" \
	'["because",false]'
is "arguments that are no object are sent as an empty one" \
	"$(printf '%s' "$sent" | jq -c '[.messages[2].tool_calls[].function.arguments]')" '["{}","{\"a\":1}","{}"]'
sent=$(body "$(as plain)")
is "to other models neither reasoning nor effort is sent" \
	"$(printf '%s' "$sent" | jq -c '[.messages[0].role, (.messages[2] | has("reasoning")), has("reasoning_effort")]')" \
	'["system",false,false]'
sent=$(body "$(as whole)")
is "a model that does not stream" "$(printf '%s' "$sent" | jq -c '[.stream, has("stream_options")]')" '[false,false]'
is "is heard as well" "$(jq -r 'select(.type == "done").message.content' output)" ok

body '{"type":"request","id":1,"messages":[{"role":"user","content":"no usage, please"}]}' --model m >bodies
is "a server that refuses stream_options is asked without" "$(jq -c 'has("stream_options")' bodies | tr '\n' ' ')" "true false "
is "and the answer comes" "$(jq -r .type output | tr '\n' ' ')" "info content done "

# Lines that are no requests.

answer() { printf '%s\n' "$1" | timeout 10 ts-llm --model m | jq -r '"\(.class): \(.message)"'; }
like "no messages" "$(answer '{"type":"request","id":1}')" '^bad_request: .*messages'
like "no such alias" "$(answer '{"type":"request","id":1,"model":"nix","messages":[{"role":"user","content":"x"}]}')" \
	'^config: .*no model .nix.'
like "broken JSON" "$(answer '{"type":"request",')" '^bad_request: ts-llm: line 1: invalid JSON'
like "no object" "$(answer '[1]')" '^bad_request: ts-llm: line 1: '
like "too deep" "$(answer "$(printf '%0100d' 0 | tr 0 '[')")" '^bad_request: ts-llm: line 1: .*deep'
is "an unknown type passes as it came" "$(echo '{"type": "strange",  "x":1}' | ts-llm)" '{"type": "strange",  "x":1}'
is "empty lines are nothing" "$(printf '\n \n\n' | ts-llm)" ""
is "a last line without its end counts" "$(printf '%s' "$hi}" | ts-llm --model m | jq -r 'select(.type == "done").id')" 1
is "an id may be anything" "$(printf '%s\n' "$hi}" | sed 's/"id":1/"id":{"a":["\\u20ac"]}/' | ts-llm --model m |
	jq -c 'select(.type == "done").id')" '{"a":["€"]}'

# 10 MiB of conversation, and a line beyond the limit, which must not hurt what follows.
big=$(head -c 10000000 /dev/zero | tr '\0' 'a')
printf '{"type":"request","id":1,"messages":[{"role":"user","content":"%s"}]}\n' "$big" >big
is "10 MB in a message" "$(timeout 20 ts-llm --model m <big | jq -r 'select(.type == "done").message.content')" ok
{
	head -c 70000000 /dev/zero | tr '\0' 'b'
	echo
	printf '%s\n' "$hi}"
} | timeout 20 ts-llm --model m >output
is "a line of 70 MB is refused, the next one answered" "$(jq -r .type output | tr '\n' ' ')" "error content done "
like "and named" "$(head -n 1 output)" 'ts-llm: line 1: longer than 64 MiB'

done_testing
