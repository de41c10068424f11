#!/bin/sh
# ts-mock-llm: what an OpenAI client expects of an endpoint, whole and streamed.
. "${0%/*}/lib.sh"

cat >"$WORK/script.ndjson" <<'EOF'
# comments and blank lines are skipped

{"match":"weather","tool_calls":[{"name":"bash","arguments":{"command":"echo {{last_user}}"}},{"name":"noop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}
{"match":{"role":"tool","regex":"^([0-9]+) (.*)$"},"content":"largest {{2}} with {{1}}"}
{"match":{"request":5},"content":"the fifth"}
{"content":"first {{request_number}}"}
{"content":"café 🙂 end","reasoning":"thinking it over","chunk_size":4}
EOF
start_mock --script "$WORK/script.ndjson" --log "$WORK/log" --model one --model two \
	--context-window 4096

chat() { curl -sN -m 10 "$BASE_URL/chat/completions" -H 'Content-Type: application/json' -d "$1"; }
# The chunks of a stream as a JSON array.
chunks() { sed -n 's/^data: //p' | grep -v '^\[DONE\]$' | jq -sc .; }

is 'models are listed' "$(curl -s "$BASE_URL/models" | jq -c '[.data[]|[.id,.max_model_len]]')" \
	'[["one",4096],["two",4096]]'
is 'one model is told' "$(curl -s "$BASE_URL/models/two" | jq -r .id)" two
is 'health' "$(curl -s "${BASE_URL%/v1}/health" | jq -r .status)" ok

reply=$(chat '{"messages":[{"role":"user","content":"weather \"now\""}],"stream":true,
	"stream_options":{"include_usage":true}}')
like 'a stream ends with DONE' "$(printf '%s' "$reply" | tail -n 2)" '^data: \[DONE\]$'
calls=$(printf '%s\n' "$reply" | chunks | jq -c '[.[].choices[]?.delta.tool_calls[]?]')
is 'arguments come in fragments and are valid JSON with the message quoted' \
	"$(printf '%s' "$calls" | jq -c '[.[]|select(.index==0).function.arguments]|add|fromjson')" \
	'{"command":"echo weather \"now\""}'
is 'each call has its id once' "$(printf '%s' "$calls" | jq -c '[.[]|select(.id).id]')" \
	'["call_1_0","call_1_1"]'
is 'finish_reason is tool_calls, usage comes with empty choices' \
	"$(printf '%s\n' "$reply" | chunks |
		jq -c '[[.[].choices[]?.finish_reason|select(.)],.[-1].choices,.[-1].usage.total_tokens]')" \
	'[["tool_calls"],[],10]'

is 'captures of the tool result are quoted' \
	"$(chat '{"messages":[{"role":"user","content":"q"},{"role":"tool","content":"12 a b\n1 c"}]}' |
		jq -r '.choices[0].message.content')" 'largest a b with 12'
is 'rules without match apply in turn' \
	"$(chat '{"messages":[{"role":"user","content":"hi"}]}' | jq -r '.choices[0].message.content')" \
	'first 3'
reply=$(chat '{"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}')
is 'text is cut between characters, reasoning comes first' \
	"$(printf '%s\n' "$reply" | chunks |
		jq -c '[.[].choices[].delta|(.reasoning_content//empty),(.content//empty)]')" \
	'["thin","king"," it ","over","café"," 🙂 e","nd"]'
unlike 'no usage unasked' "$reply" usage
is 'a rule for the number of the request' \
	"$(chat '{"messages":[{"role":"user","content":"x"}]}' | jq -r '.choices[0].message.content')" \
	'the fifth'
reply=$(chat '{"messages":[{"role":"user","content":"lost message"}]}')
like 'without a rule the error quotes the message' "$reply" '"no rule .*user.: lost message"'

status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
is 'a body that is no JSON' "$(status "$BASE_URL/chat/completions" -d '{')" 400
is 'no messages' "$(status "$BASE_URL/chat/completions" -d '{"messages":[]}')" 400
is 'another path' "$(status "$BASE_URL/completions" -d '{}')" 404
is 'another method' "$(status "$BASE_URL/chat/completions")" 405
is 'a contradicting header' \
	"$(status "$BASE_URL/models" -H 'Host: a' -H 'Authorization: b' -H 'authorization: c')" 400

is 'the log has every chat completion with its size and body' \
	"$(jq -c 'select(.number==3)|[.body_bytes,.body.messages[0].content,.rule,.status]' "$WORK/log")" \
	'[45,"hi",6,200]'
curl -s "$BASE_URL/models" -H 'Authorization: Bearer sk-secret' -H 'X-Api-Key: sk-secret' >/dev/null
# A line about the end of an answer may come after the client has it.
cp "$WORK/log" "$WORK/log.now"
is 'a header with a key is shown without it' "$(jq -rs 'map(select(.type=="request"))|last|
	.headers|[.authorization,."x-api-key"]|join(" ")' "$WORK/log.now")" '[hidden] [hidden]'
unlike 'no key is in the log' "$(cat "$WORK/log.now")" sk-secret
is 'every line of the log is JSON' "$(jq -c . "$WORK/log.now" | wc -l)" "$(wc -l <"$WORK/log.now")"

done_testing
