#!/bin/sh
# ts-mock-llm: each oddity of real servers is on the wire as the script says.
. "${0%/*}/lib.sh"

two='"tool_calls":[{"name":"one","arguments":{"a":"bcdefghijklmnopqrstuvw"}},{"name":"two"}]'
cat >"$WORK/script.ndjson" <<EOF
{"match":{"exact":"no_index"},$two,"quirks":["no_index"]}
{"match":{"exact":"index_zero"},$two,"quirks":["index_zero","no_id"]}
{"match":{"exact":"empty_id"},$two,"quirks":["empty_id"]}
{"match":{"exact":"every"},$two,"quirks":["id_every_fragment","name_every_fragment"]}
{"match":{"exact":"null_id_name"},$two,"quirks":["null_id_name"]}
{"match":{"exact":"empty_name"},$two,"quirks":["empty_name"]}
{"match":{"exact":"name_last"},$two,"quirks":["name_last"]}
{"match":{"exact":"object"},$two,"quirks":["arguments_object"]}
{"match":{"exact":"one_delta"},$two,"quirks":["one_delta"]}
{"match":{"exact":"whole_calls"},$two,"quirks":["whole_calls"]}
{"match":{"exact":"interleaved"},$two,"quirks":["interleaved"]}
{"match":{"exact":"broken"},"tool_calls":[{"name":" x ","arguments":"{\"a\":","id":"9charsid1"}]}
{"match":{"exact":"chunks"},"content":"x","quirks":["null_chunk","null_choices","no_choices","empty_choices","null_delta","empty_content"]}
{"match":{"exact":"merged"},"reasoning":"r","content":"c",$two,"quirks":["merged"]}
{"match":{"exact":"finish"},"content":"c","quirks":["finish_with_last","usage_with_finish"]}
{"match":{"exact":"never"},"content":"c","finish_reason":false,"usage":false,"quirks":["no_done"]}
{"match":{"exact":"null"},"content":"c","finish_reason":null}
{"match":{"exact":"usage_null"},"content":"c","quirks":["usage_null_choices"]}
{"match":{"exact":"usage_every"},"content":["c","d"],"quirks":["usage_every_chunk"]}
{"match":{"exact":"crlf"},"content":"c","quirks":["crlf","comments","no_space"]}
{"match":{"exact":"split"},"content":"c","quirks":["split_data","event_lines","byte_order_mark","no_final_newline"]}
{"match":{"exact":"reasoning"},"reasoning":["a","b"],"reasoning_field":"reasoning","content":"c"}
{"match":{"exact":"whole"},"content":"c","quirks":["whole_answer"]}
{"match":{"exact":"anyway"},"content":"c","quirks":["stream_anyway"]}
{"match":{"exact":"error200"},"status":200,"error":{"message":"m","code":"overloaded"}}
{"match":{"exact":"error429"},"status":429,"error":"slow down","headers":{"Retry-After":"7"}}
{"match":{"exact":"stream_error"},"content":"c","stream_error":"it broke"}
{"match":{"exact":"raw"},"raw":["da","ta: 1\r\n",{"base64":"/wD+"},"\n\n"],"content_type":"text/plain"}
{"match":{"exact":"body"},"body":[1,2.5,null],"status":400,"content_type":""}
{"match":{"exact":"bytes"},"content":"é🙂","split_bytes":1}
EOF
start_mock --script "$WORK/script.ndjson"

ask() { # rule [curl options]
	words=$1
	shift
	curl -sN -m 10 "$BASE_URL/chat/completions" "$@" \
		-d "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$words\"}]}"
}
chunks() { ask "$1" | sed -n 's/^data: //p' | grep -v '^\[DONE\]$' | jq -sc "$2"; }
calls() { chunks "$1" "[.[].choices[]?.delta.tool_calls[]?|$2]"; }

is 'no_index' "$(calls no_index 'has("index")|not' | jq -c unique)" '[true]'
is 'index_zero and no_id' "$(calls index_zero '[.index,.id]' | jq -c unique)" '[[0,null]]'
is 'empty_id' "$(calls empty_id 'select(has("id")).id')" '["",""]'
is 'id and name on every fragment' "$(calls every '[.id[-2:],.function.name]' | jq -c unique)" \
	'[["_0","one"],["_1","two"]]'
is 'null_id_name' "$(calls null_id_name 'select(.index==0)|[has("id"),.id==null]')" \
	'[[true,false],[true,true],[true,true]]'
is 'empty_name' "$(calls empty_name 'select(.index==0).function.name')" '["one","",""]'
is 'name_last' "$(calls name_last '[.index,.function.name,.function.arguments]')" \
	'[[0,null,""],[0,null,"{\"a\":\"bcdefghijk"],[0,null,"lmnopqrstuvw\"}"],[0,"one",null],[1,null,""],[1,"two",null]]'
is 'arguments_object' "$(calls object '.function.arguments')" '[{"a":"bcdefghijklmnopqrstuvw"},null]'
is 'one_delta' "$(chunks one_delta '.[0].choices[0].delta.tool_calls|length')" 2
is 'whole_calls' "$(calls whole_calls '.function.arguments')" \
	'["{\"a\":\"bcdefghijklmnopqrstuvw\"}",null]'
is 'interleaved' "$(calls interleaved .index)" '[0,1,0,0]'
is 'broken arguments, padded name and a given id pass unchanged' \
	"$(calls broken '[.id,.function.name,.function.arguments]|join("")' | jq -r add)" \
	'9charsid1 x {"a":'
is 'odd chunks' "$(chunks chunks '[.[]|if .==null then "null" else
	(.choices|if type=="array" then (.[0].delta?|tojson) else type end) end]')" \
	'["null","null","null","null","null","null","null","null","{\"role\":\"assistant\",\"content\":\"\"}","null","{\"role\":\"assistant\",\"content\":\"x\"}","null","{}","null"]'
is 'merged' "$(chunks merged '[length,(.[0].choices[0]|.delta.reasoning_content,.delta.content,
	(.delta.tool_calls|length),.finish_reason)]')" '[1,"r","c",2,"tool_calls"]'
is 'finish_with_last, usage_with_finish' \
	"$(chunks finish '.[]|[.choices[0].delta.content,.choices[0].finish_reason,(.usage|type)]')" \
	'["c","stop","object"]'
is 'never a finish_reason, usage or DONE' \
	"$(ask never | grep -c -e finish_reason -e usage -e DONE)" 0
is 'a finish_reason that is null' "$(chunks null '[.[].choices[0].finish_reason]')" '[null,null]'
is 'usage with null choices' "$(chunks usage_null '.[-1]|[.choices,(.usage|type)]')" \
	'[null,"object"]'
is 'usage in every chunk' "$(chunks usage_every '[.[].usage|type]|unique')" '["object"]'
is 'crlf, comments, no_space' "$(ask crlf | head -n 3 | tr '\r' 'R' | cut -c 1-12 | tr '\n' 'N')" \
	': keep-aliveNRNdata:{"id":"N'
reply=$(ask split | od -An -c | tr -d ' \n')
like 'split_data, event_lines and a byte order mark' "$reply" \
	'^357273277event:message.nid:1.nretry:1000.ndata:\{.ndata:"id"'
like 'no_final_newline' "$reply" 'DONE\]$'
is 'the other name of reasoning' "$(chunks reasoning '[.[].choices[].delta.reasoning//empty]')" \
	'["a","b"]'
is 'a whole answer to a request for a stream' "$(ask whole | jq -r .object)" chat.completion
like 'a stream nobody asked for' "$(curl -s "$BASE_URL/chat/completions" \
	-d '{"messages":[{"role":"user","content":"anyway"}]}' | head -n 1)" '^data: .*chunk'
is 'an error with status 200' "$(ask error200 -w '%{http_code}')" \
	'{"error":{"message":"m","code":"overloaded"}}200'
is 'an error with Retry-After' "$(ask error429 -D- -o /dev/null | tr -d '\r' |
	cut -d ' ' -f 2 | sed -n '1p;/^7$/p' | tr '\n' ' ')" '429 7 '
is 'an error in the stream' "$(chunks stream_error '.[-1].error.message')" '"it broke"'
is 'raw bytes' "$(ask raw | od -An -tx1 | tr -d ' \n')" 646174613a20310d0aff00fe0a0a
is 'raw pieces are chunks of their own' \
	"$(ask raw --raw | tr -d '\r' | head -n 1 | tr -d '\n')" 2
is 'a whole body with another status and no type' \
	"$(ask body -w ' %{http_code} %{content_type}')" '[1,2.5,null] 400 '
is 'cut through characters' "$(ask bytes --raw | wc -c)" "$(($(ask bytes | wc -c) * 6 + 5))"
is 'and whole again' "$(chunks bytes '[.[].choices[].delta.content//empty]|add')" '"é🙂"'
done_testing
