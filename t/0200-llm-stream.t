#!/bin/sh
# ts-llm reads what servers stream: whatever the form of the stream, the message is the same, and
# the text arrives once and in order.
. "${0%/*}/lib.sh"

# request ID CONTENT: a line of input
request() {
	printf '{"type":"request","id":"%s","messages":[{"role":"user","content":"%s"}],%s}\n' "$1" "$2" \
		'"tools":[{"type":"function","function":{"name":"bash","parameters":{}}}]'
}

# Two calls, one of them without arguments, behind reasoning and text. € and 😀 are cut apart.
answer='"reasoning":"let me <see>","content":"Look: \u20ac \ud83d\ude00 é.","tool_calls":[
	{"id":"call_a","name":"bash","arguments":{"command":"echo \"{\""}},{"id":"call_b","name":"list"}]'
answer=$(printf '%s' "$answer" | tr -d '\n\t')

quirks='no_index index_zero no_id empty_id id_every_fragment name_every_fragment null_id_name
empty_name name_last arguments_object whole_calls one_delta interleaved null_chunk null_choices
no_choices empty_choices null_delta empty_content role_every_chunk finish_with_last merged
usage_unasked usage_with_finish usage_null_choices usage_every_chunk crlf cr comments no_space
event_lines split_data byte_order_mark no_done no_final_newline whole_answer'
combined='no_index+no_id+null_id_name no_index+no_id+arguments_object+one_delta
index_zero+no_id+whole_calls no_index+no_id+name_every_fragment crlf+comments+split_data+no_done'
{
	for quirk in $quirks $combined; do
		printf '{"match":{"exact":"%s"},%s,"quirks":["%s"]}\n' "$quirk" "$answer" \
			"$(printf '%s' "$quirk" | sed 's/+/","/g')"
	done
	for bytes in 1 2 3 5 7 64 1000; do
		printf '{"match":{"exact":"split %s"},%s,"split_bytes":%s}\n' "$bytes" "$answer" "$bytes"
	done
	printf '{"match":{"exact":"tags"},"content":["<th","ink>let me <s","ee></thin","k>Look: € 😀 é."],"tool_calls":[{"id":"call_a","name":"bash","arguments":{"command":"echo \\"{\\""}},{"id":"call_b","name":"list"}]}\n'
} >script
start_mock --script script

ids="$quirks $combined split_1 split_2 split_3 split_5 split_7 split_64 split_1000 tags"
for id in $ids; do
	case $id in split_[0-9]*) request "$id" "split ${id#split_}" ;; *) request "$id" "$id" ;; esac
done >input
timeout 30 ts-llm <input >output 2>errors
is "many requests at once: the end is a good one" "$? $(cat errors)" "0 "
is "and each has one done, no error" "$(jq -r 'select(.type == "done" or .type == "error") |
	.type' output | sort | uniq -c | tr -s ' ')" " $(echo "$ids" | wc -w) done"

# Text of the events, then of the message; calls; finish reason. A minted id is 'minted'.
jq -nr '[inputs] | group_by(.id)[] | (map(select(.type == "done"))[0]) as $done |
	[ $done.id,
	  (map(select(.type == "reasoning").text) | add), (map(select(.type == "content").text) | add),
	  $done.message.reasoning, $done.message.content,
	  ($done.message.tool_calls // [] | map("\(if .id | test("^[0-9a-f]{9}$") then "minted" else .id end) \(.function.name) \(.function.arguments | fromjson | tojson)") | join(" ")),
	  ($done.message.tool_calls // [] | map(.id) | unique | length),
	  $done.finish_reason ] | map(tostring) | join("|")' output >summary
named='call_a bash {"command":"echo \"{\""} call_b list {}'
minted='minted bash {"command":"echo \"{\""} minted list {}'
for id in $ids; do
	case $id in *no_id* | *empty_id*) calls=$minted ;; *) calls=$named ;; esac
	is "$id" "$(grep "^$id|" summary)" "$id|let me <see>|Look: € 😀 é.|let me <see>|Look: € 😀 é.|$calls|2|tool_calls"
done

is "usage is passed on" "$(jq -c 'select(.id == "crlf" and .type == "done") | .usage | keys' output)" \
	'["completion_tokens","prompt_tokens","total_tokens"]'
is "the name under which reasoning came is kept" \
	"$(jq -r 'select(.id == "crlf" and .type == "done").message.reasoning_field' output)" reasoning_content
is "and there is none for tags" \
	"$(jq -r 'select(.id == "tags" and .type == "done").message.reasoning_field' output)" null
kill "$mock_pid"

# Byte for byte.

cat >script <<'END'
{"match":"no space","raw":["data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n:x\n\ndata:{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"]}
{"match":"json type","content_type":"application/json","content":"a"}
{"match":"no type","content_type":"","content":"a"}
{"match":"plain type","content_type":"text/plain","content":"a"}
{"match":"html","content_type":"text/html","raw":["<html>hello</html>"]}
{"match":"empty","raw":[""]}
{"match":"null usage","raw":["data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"]}
{"match":"prose","content":"Write <think> before thinking."}
{"match":"say nothing","content":""}
{"match":"as text","content":"<tool_call>{\"name\":\"bash\"}</tool_call>"}
{"match":"bare call","content":"{\"name\":\"bash\",\"arguments\":{}}"}
{"match":"cut call","tool_calls":[{"name":"bash","arguments":{"command":"x"},"id":"whole"},{"name":"bash","arguments":"{\"command\":\"y","id":"part"}],"finish_reason":"length"}
{"match":"broken call","tool_calls":[{"name":" bash ","arguments":"{command: x","id":"q"}]}
{"match":"deaf","raw":["data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"],"hang":true}
{"match":"both fields","raw":["data: {\"choices\":[{\"delta\":{\"reasoning\":\"r\",\"reasoning_content\":\"r\",\"content\":\"<think>c\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"]}
{"match":"nul","raw":["data: {\"choices\":[{\"delta\":{\"content\":\"a\\u0000\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n"]}
{"match":"bad bytes","raw":["data: {\"choices\":[{\"delta\":{\"content\":\"a",{"base64":"/w=="},"\"},\"finish_reason\":\"stop\"}]}\n\n"]}
{"match":"filtered","content":"no","finish_reason":"content_filter"}
END
start_mock --script script
one() { # one CONTENT [options]: the lines of one request
	content=$1
	shift
	request 1 "$content" | timeout 10 ts-llm --retries 0 "$@"
}
summary() { jq -rs '.[-1] | if .type == "done" then "\(.message.content) \(.finish_reason) \(.usage)" else "\(.class): \(.message)" end'; }

is "data: without a space, comments" "$(one 'no space' | summary)" "a stop null"
for type in 'json type' 'no type' 'plain type'; do
	like "an event stream with the wrong Content-Type ($type)" "$(one "$type" | summary)" '^a stop'
done
like "HTML is refused" "$(one html | summary)" '^protocol: POST .*text/html'
like "an empty body is an interrupted answer" "$(one empty | summary)" '^interrupted: POST .*empty answer'
is "usage null is unknown" "$(one 'null usage' | summary)" "a stop null"
like "a tag in prose is text" "$(one prose | summary)" '^Write <think> before thinking\. stop'
is "unless tags count everywhere" "$(TURNSTONE_MODEL_THINK_TAGS=always one prose |
	jq -j 'select(.type == "reasoning").text')" ' before thinking.'
like "an empty answer is one" "$(one 'say nothing' | summary)" '^null stop'
for content in 'as text' 'bare call'; do
	one "$content" >output
	like "a tool call $content is told" "$(jq -r 'select(.type == "info").message' output)" 'as text .*not run'
	is "and is no call" "$(jq -c 'select(.type == "done").message.tool_calls' output)" null
done
one 'cut call' >output
is "the call that the limit cut is dropped, the whole one kept" \
	"$(jq -r 'select(.type == "done") | [.message.tool_calls[].id, .finish_reason] | join(" ")' output)" 'whole length'
like "which is noted" "$(jq -r 'select(.type == "done").notes[]' output)" 'cut the call of bash off'
is "broken arguments are passed on as they came, the name trimmed" \
	"$(one 'broken call' | jq -r 'select(.type == "done").message.tool_calls[0].function | "\(.name)|\(.arguments)"')" 'bash|{command: x'
is "[DONE] ends an answer though the server keeps the connection" "$(one deaf | summary)" "a stop null"
is "reasoning under both names comes once, a tag behind it is text" "$(one 'both fields' |
	jq -rs 'map(select(.text)) | map("\(.type[0:1]):\(.text)") | join(" ")')" 'r:r c:<think>c'
is "a NUL in a text is replaced" "$(one nul | summary)" "$(printf 'a\357\277\275b stop null')"
is "so is what is no UTF-8" "$(one 'bad bytes' | summary)" "$(printf 'a\357\277\275 stop null')"
like "a filtered answer says so" "$(one filtered | summary)" '^no content_filter'

done_testing
