#!/bin/sh
# ts-llm when things fail: what is tried again and what is not, how it is told, and how it ends.
. "${0%/*}/lib.sh"

request() { printf '{"type":"request","id":%s,"messages":[{"role":"user","content":"%s"}]}\n' "${2:-1}" "$1"; }
one() { # one CONTENT [options]: the lines of one request
	content=$1
	shift
	request "$content" | timeout 20 ts-llm "$@"
}
types() { jq -r .type "$1" | tr '\n' ' '; }
last() { jq -rs ".[-1] | $2" "$1"; }

cat >script <<'END'
{"match":"limited","status":429,"error":{"message":"you exceed the maximum number of tokens per minute"},"headers":{"Retry-After":"0"},"times":1}
{"match":"limited","content":"now it works"}
{"match":"for an hour","status":429,"error":"slow down","headers":{"Retry-After":"3600"}}
{"match":"in ms","status":503,"error":"loading","headers":{"Retry-After-Ms":"10"},"times":1}
{"match":"in ms","content":"ok"}
{"match":"breaks","content":"this never, ","disconnect_after":1,"chunk_size":6,"times":1}
{"match":"breaks","content":"this arrives"}
{"match":"no end","content":"half an ans","finish_reason":false}
{"match":"reset behind","content":"whole","quirks":["finish_with_last","usage_with_finish","reset"],"disconnect_after":2}
{"match":"error inside","content":"some text","stream_error":{"message":"GPU fell off","type":"server_error"}}
{"match":"refused inside","stream_error":{"message":"bad","type":"invalid_request_error"}}
{"match":"error with 200","status":200,"error":{"message":"busy","type":"rate_limit_error"}}
{"match":"overflow","status":500,"error":{"type":"exceed_context_size_error","message":"too long","n_prompt_tokens":9000,"n_ctx":8192}}
{"match":"bad","status":400,"error":"no such field"}
{"match":"key","status":401,"error":"bad key sk-secret-1234, really sk-secret-1234"}
{"match":"elsewhere","status":307,"body":{},"headers":{"Location":"http://127.0.0.1:1/"}}
{"match":"garbage","raw":["data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {oops\n\n"]}
{"match":"silence","delay_ms":20000}
{"match":"head only","first_byte_delay_ms":20000,"content":"x"}
{"match":"stalls","content":["a","b"],"chunk_delay_ms":20000}
{"match":"slow","content":["a","b","c","d"],"chunk_delay_ms":150}
END
# An error body that has no end to speak of.
printf '{"match":"long error","status":400,"raw":["%s"]}\n' "$(head -c 300000 /dev/zero | tr '\0' 'x')" >>script
TURNSTONE_API_KEY=sk-secret-1234
export TURNSTONE_API_KEY
start_mock --script script --log mock.requests

# Tried again.

one limited >output
is "a rate limit is tried again, whatever it says of tokens" "$(types output)" "info content done "
like "after the pause the server asks for" "$(jq -r 'select(.type == "info").message' output)" \
	'^POST http://127\.0\.0\.1:[0-9]+/v1/chat/completions: HTTP 429: .*again in 0\.[01] s \(1 of 3\)'
one 'for an hour' >output
is "not when the server asks for an hour" "$? $(types output)" "4 error "
like "which is said" "$(last output .message)" 'HTTP 429: slow down; it asks to wait 3600 s'
one 'in ms' >output
is "milliseconds are understood" "$(types output)" "info content done "

one breaks >output
is "an answer that breaks off is void, and tried again" "$(types output)" "content discard info content done "
is "its text does not come twice" "$(last output .message.content)" "this arrives"

one 'no end' >output
status=$?
is "an answer without a finish reason: two more attempts" "$(types output)" \
	"content discard info content discard info content error "
is "then it is an interrupted one, and the text is kept" \
	"$status $(last output '"\(.class) \(.retryable) \(.partial)"')" "4 interrupted true half an ans"
like "the error names the address, the model and the attempts" "$(last output .message)" \
	'^POST http://127\.0\.0\.1:[0-9]+/v1/chat/completions: the stream ended without a finish reason \(model mock-model, 3 attempts\)$'
one 'no end' --retries 1 >output
is "fewer when fewer are allowed" "$(types output)" "content discard info content error "
is "where it is configured so, that is an answer" "$(TURNSTONE_MODEL_REQUIRE_FINISH_REASON=false \
	one 'no end' | jq -r 'select(.type == "done") | "\(.message.content) \(.finish_reason)"')" "half an ans stop"

one 'reset behind' >output
is "a blip behind the finish reason keeps the answer" "$(types output)" "content done "

one 'error inside' --retries 1 >output
is "an error inside the stream is tried again" "$(types output)" "content discard info content error "
is "and is then the server's" "$(last output '"\(.class) \(.partial)"')" "server some text"
one 'error with 200' --retries 1 >output
is "an error with status 200 is one" "$(types output) $(last output .class)" "info error  rate_limit"
one garbage --retries 1 >output
is "garbage in a stream is tried again" "$(types output) $(last output .class)" \
	"content discard info content error  protocol"

# Not tried again.

one bad >output
is "a bad request is final" "$? $(types output) $(last output '"\(.class) \(.retryable) \(.status)"')" \
	"4 error  bad_request false 400"
one 'refused inside' >output
is "also inside a stream" "$(types output) $(last output .class)" "error  bad_request"
one overflow >output
is "an overflow is told with its sizes" \
	"$(last output '"\(.class) \(.retryable) \(.prompt_tokens) \(.context_window)"')" "overflow false 9000 8192"
one key >output
is "a refused key is final" "$(types output) $(last output .class)" "error  auth"
is "and is not repeated to anybody" "$(grep -c sk-secret output)" 0
like "only that it was there" "$(last output .message)" 'bad key \[key\], really \[key\]'
one 'long error' >output
like "of a long error only the beginning is kept" "$(wc -c <output) $(last output .message)" '^[1-9][0-9]{2} POST .*: HTTP 400: xxx'
one elsewhere >output
is "redirects are not followed" "$(last output '"\(.class) \(.status)"')" "bad_request 307"
TURNSTONE_API_KEY='a
Evil: header' must_fail 3 "a key with a line end is refused" ts-llm

# Timeouts.

one silence --retries 0 --first-byte-timeout 0.2 >output
like "no first byte" "$(last output '"\(.class) \(.message)"')" '^timeout POST .*: no answer within 0.2 s'
one 'head only' --retries 0 --first-byte-timeout 0.2 >output
like "a head is no byte of the answer" "$(last output .message)" 'no answer within 0.2 s'
one stalls --retries 0 --idle-timeout 0.2 >output
like "no next byte" "$(last output '"\(.class) \(.partial) \(.message)"')" '^timeout a POST .*: no data for 0.2 s'
one slow --idle-timeout 0.4 >output
is "there is no limit for the whole" "$(last output .message.content)" abcd

# No connection.

one x --retries 1 --model m --base-url http://127.0.0.1:1/v1 >output
is "nobody there: tried again, then said" "$? $(types output) $(last output .message)" \
	"4 info error  POST http://127.0.0.1:1/v1/chat/completions: connection refused (model m, 2 attempts)"
is "as a connect error" "$(last output '"\(.class) \(.retryable)"')" "connect true"
one x --retries 0 --model m --base-url http://nowhere.invalid/v1 >output
like "no such host" "$(last output '"\(.class) \(.message)"')" '^connect POST http://nowhere.invalid/.*: host not found'
one x --retries 0 --model m --base-url http://127.0.0.1:1/v1?key=geheim >output
is "a query of the address, which may be a key, is not shown" "$(last output .message)" \
	"POST http://127.0.0.1:1/v1/chat/completions: connection refused (model m)"
one x --retries 0 --base-url http://127.0.0.1:1/v1 >output
like "no model known either" "$(last output .message)" '^GET http://127\.0\.0\.1:1/v1/models: connection refused$'
one x --retries 0 --model m --base-url http://localhost/v1 --unix-socket "$WORK/none" >output
like "no such socket" "$(last output .message)" 'no such file or directory'

# Cancelled.

mkfifo input
ts-llm <input >output &
llm=$!
background_pids="$background_pids $llm"
exec 3>input
request stalls '"a"' >&3
request silence '"b"' >&3
request limited '"c"' >&3
ok "requests run beside each other" wait_for 5 grep -q '"type":"done","id":"c"' output
ok "the first has begun" wait_for 5 grep -q '"type":"content","id":"a"' output
echo '{"type":"cancel","id":"a"}' >&3
echo '{"type":"cancel","id":"unknown"}' >&3
ok "a cancelled request ends" wait_for 5 grep -q '"type":"error","id":"a","class":"cancelled"' output
ok "which the server notices" wait_for 5 grep -q client_closed mock.requests
is "the other one runs on" "$(grep -c '"id":"b"' output)" 0
echo '{"type":"cancel","id":"b"}' >&3
ok "until it is cancelled" wait_for 5 grep -q '"type":"error","id":"b","class":"cancelled"' output
exec 3>&-
wait "$llm"
is "failures of several requests are no failure of the program" "$?" 0

mkfifo input2
ts-llm --retries 5 --model m --base-url http://127.0.0.1:1/v1 <input2 >output &
llm=$!
background_pids="$background_pids $llm"
exec 3>input2
request x >&3
ok "a pause before another attempt" wait_for 5 grep -q 'again in' output
echo '{"type":"cancel","id":1}' >&3
ok "can be cancelled" wait_for 2 grep -q cancelled output
exec 3>&-

done_testing
