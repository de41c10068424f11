#!/bin/sh
# ts-mock-llm --record-from: what a backend answered is passed on, and replayed byte for byte.
. "${0%/*}/lib.sh"

cat >"$WORK/backend.ndjson" <<'EOF'
{"match":"text","content":"naïve café 🙂","reasoning":"hm","split_bytes":7}
{"match":"calls","tool_calls":[{"name":"bash","arguments":{"command":"ls"}}],"quirks":["crlf","no_index"]}
{"match":"busy","status":429,"error":"slow down","headers":{"Retry-After":"3"}}
{"match":"dies","content":"abcdef","chunk_size":1,"disconnect_after":3}
{"match":"binary","raw":["data: ",{"base64":"/wD+"},"\n\n"]}
{"match":"long","synthesise":{"tokens":20000}}
{"match":"for ever","content":"x","delay_ms":3600000}
EOF
background ts-mock-llm --script "$WORK/backend.ndjson" --log "$WORK/backend.log" \
	--context-window 777 >"$WORK/backend.url"
backend_pid=$pid
ok 'the backend is up' wait_for 5 test -s "$WORK/backend.url"
start_mock --record-from "$(cat "$WORK/backend.url")/" --script "$WORK/recorded.ndjson"

ask() {
	words=$1
	shift
	curl -sN -m 10 "$BASE_URL/chat/completions" "$@" -H 'Authorization: Bearer sk-secret' \
		-d "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$words\"}]}"
}
round() { # directory: ask everything, keep what came
	mkdir -p "$1"
	curl -s "$BASE_URL/models" >"$1/models"
	for words in text calls busy dies binary long; do
		ask "$words" -w '\n%{http_code} %{content_type} %header{retry-after}' >"$1/$words"
		echo "curl $?" >>"$1/$words"
	done
}
round "$WORK/first"
like 'an answer is passed on' "$(cat "$WORK/first/text")" DONE
like 'with its status' "$(cat "$WORK/first/busy")" '^429 application/json'
like 'a body that dies, dies' "$(cat "$WORK/first/dies")" 'curl 18'
is 'the client is authorised by its own key' \
	"$(jq -rs '[.[].headers.authorization|select(.)]|unique|.[]' "$WORK/backend.log")" '[hidden]'

background curl -s -m 10 "$BASE_URL/chat/completions" \
	-d '{"messages":[{"role":"user","content":"for ever"}]}'
ok 'a request is under way' wait_for 5 grep -q 'for ever' "$WORK/backend.log"
kill "$pid"
left() { tail -n 1 "$WORK/backend.log" | grep -q client_closed; }
ok 'a client that leaves ends the request to the backend' wait_for 5 left

kill "$backend_pid"
wait "$backend_pid"
is 'a backend that is gone: 502' "$(ask x -o /dev/null -w '%{http_code}')" 502
kill "$mock_pid"
wait "$mock_pid"
is 'recording ends cleanly' "$?" 143
like 'and says why the backend was not reached' "$(cat "$WORK/mock.log")" 'onnect'
is 'one rule for each answer' "$(jq -s length "$WORK/recorded.ndjson")" 7
unlike 'the key is not recorded' "$(cat "$WORK/recorded.ndjson")" 'sk-secret'
is 'the script is private' "$(stat -c %a "$WORK/recorded.ndjson")" 600

start_mock --script "$WORK/recorded.ndjson"
round "$WORK/second"
ok 'the replay is the same to the byte' diff -r "$WORK/first" "$WORK/second"

must_fail 2 'a file that holds rules is not recorded into' \
	ts-mock-llm --record-from http://127.0.0.1:1 --script "$WORK/recorded.ndjson"
must_fail 2 'recording needs a file' ts-mock-llm --record-from http://127.0.0.1:1
must_fail 2 'another scheme' ts-mock-llm --record-from file:///etc --script "$WORK/new"
done_testing
