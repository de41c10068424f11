#!/bin/sh
# ts-mock-llm: delays, connections that die, clients that leave, and how the process ends.
. "${0%/*}/lib.sh"

cat >"$WORK/script.ndjson" <<'EOF'
{"match":"dies","content":"abcdef","chunk_size":1,"disconnect_after":3}
{"match":"reset","content":"abcdef","chunk_size":1,"disconnect_after":2,"quirks":["reset"]}
{"match":"at once","disconnect":true}
{"match":"headers only","disconnect_after":0,"content":"x"}
{"match":"hangs","content":"ab","chunk_size":1,"hang":true}
{"match":"late","content":"x","delay_ms":200}
{"match":"first byte","content":"x","first_byte_delay_ms":200}
{"match":"slow","content":"abc","chunk_size":1,"chunk_delay_ms":100}
{"match":"for ever","content":"x","delay_ms":3600000}
{"match":{"path":"/models"},"times":1,"status":503,"error":"still loading"}
{"match":{"header":{"X-Kind":"beta","X-None":null}},"content":"by header"}
EOF
start_mock --script "$WORK/script.ndjson" --log "$WORK/log"
ask() {
	words=$1
	shift
	curl -sN -m 10 "$BASE_URL/chat/completions" "$@" \
		-d "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$words\"}]}"
}
ended() { tail -n 1 "$WORK/log" | jq -r 'select(.type=="end").end'; }

ask dies >"$WORK/out"
is 'a body that dies: curl says the transfer is cut' "$?" 18
is 'after exactly three events' "$(grep -c ^data: "$WORK/out")" 3
is 'the log says who closed' "$(ended)" disconnected
ask reset >"$WORK/out"
is 'a reset connection' "$?" 56
ask 'at once' >"$WORK/out"
is 'no response at all' "$?" 52
ask 'headers only' -D "$WORK/headers" >"$WORK/out"
is 'headers, then nothing' "$? $(wc -c <"$WORK/out")" '18 0'
like 'but headers' "$(cat "$WORK/headers")" '^HTTP/1.1 200'

seconds() { ask "$1" -o /dev/null -w "%{$2} %{$3}"; }
like 'delay before the response' "$(seconds late time_starttransfer time_total)" \
	'^0\.[2-9].* 0\.[2-9]'
like 'delay between the pieces' "$(seconds slow time_starttransfer time_total)" \
	'^0\.0.* (0\.[4-9]|1\.)'
ask 'first byte' -D "$WORK/headers" -o "$WORK/out" &
curl_pid=$!
ok 'headers arrive before a late first byte' wait_for 5 grep -q '^HTTP/1.1 200' "$WORK/headers"
is 'while the body is not there' "$(cat "$WORK/out" 2>/dev/null)" ''
wait "$curl_pid"
like 'then it is' "$(cat "$WORK/out")" DONE

leaving() { # words: a client that a test can kill
	background curl -sN -m 10 "$BASE_URL/chat/completions" -o "$WORK/left" \
		-d "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$1\"}]}"
}
leaving hangs
ok 'a stream that hangs has sent its content' wait_for 5 grep -q '"b"' "$WORK/left"
unlike 'and no end' "$(cat "$WORK/left")" 'finish_reason":"stop|DONE'
kill "$pid"
closed() { [ "$(ended)" = client_closed ]; }
ok 'a client that leaves a stream is noticed' wait_for 5 closed
leaving 'for ever'
requested() { tail -n 1 "$WORK/log" | grep -q 'for ever'; }
ok 'a request is logged before it is answered' wait_for 5 requested
kill "$pid"
ok 'a client that leaves before the first byte is noticed' wait_for 5 closed

is 'a rule for another path' "$(curl -s "$BASE_URL/models" | jq -r .error.message)" 'still loading'
is 'once' "$(curl -s "$BASE_URL/models" | jq -r '.data[0].id')" mock-model
like 'a rule by header' "$(ask plain -H 'X-Kind: alpha, beta')" 'by header'
like 'or by its absence' "$(ask plain -H 'X-Kind: beta' -H 'X-None: 1')" 'no rule of the script'

# Two requests on one connection, sent together; the second waits in the server's input.
port=${BASE_URL##*:}
is 'two requests sent together get two answers' "$(perl -MIO::Socket::INET -e '
	my $body = q({"messages":[{"role":"user","content":"late"}]});
	my $request = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " .
		length($body) . "\r\n\r\n" . $body;
	my $socket = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die;
	print $socket $request x 2;
	$socket->flush;
	alarm 5;
	my $text = "";
	$text .= $_ while (() = $text =~ /"finish_reason"/g) < 2 && sysread $socket, $_, 4096;
	print scalar(() = $text =~ /HTTP\/1\.1 200/g);
' "${port%/v1}")" 2

kill -TERM "$mock_pid"
wait "$mock_pid"
is 'SIGTERM ends it' "$?" 143

start_mock --script "$WORK/script.ndjson"
ask slow -o "$WORK/slow" &
curl_pid=$!
ok 'a stream has begun' wait_for 5 grep -q '"a"' "$WORK/slow"
kill -INT "$mock_pid"
wait "$curl_pid"
is 'a running answer may end first' "$? $(grep -c DONE "$WORK/slow")" '0 1'
wait "$mock_pid"
is 'SIGINT ends it' "$?" 130

start_mock --synthesise --once
like 'one request' "$(ask x)" DONE
wait "$mock_pid"
is '--once ends after one' "$?" 0
start_mock --synthesise --requests 2
ask x >/dev/null
like 'a second request' "$(ask x)" DONE
wait "$mock_pid"
is '--requests ends after so many' "$?" 0

MOCK_KEY=sk-right
export MOCK_KEY
start_mock --synthesise --api-key-env MOCK_KEY --tokens 1
is 'without the key' "$(ask x -w ' %{http_code}' | tail -n 1 | sed 's/.* //')" 401
is 'with another' "$(ask x -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer sk-wrong')" 401
is 'with its beginning' "$(ask x -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer sk-')" 401
is 'with it' "$(ask x -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer sk-right')" 200

start_on_socket() {
	: >"$WORK/socket.url"
	background ts-mock-llm --synthesise --unix "$WORK/socket" >"$WORK/socket.url"
	mock_pid=$pid
	wait_for 5 test -s "$WORK/socket.url"
}
start_on_socket
BASE_URL=$(cat "$WORK/socket.url")
is 'the base URL of a Unix socket' "$BASE_URL" http://localhost/v1
like 'a Unix socket answers' "$(ask x --unix-socket "$WORK/socket")" DONE
is 'only this user can open it' "$(stat -c %a "$WORK/socket")" 700
kill -KILL "$mock_pid"
wait "$mock_pid" 2>/dev/null
start_on_socket
like 'a socket left over is replaced' "$(ask x --unix-socket "$WORK/socket")" DONE
must_fail 111 'one in use is not' ts-mock-llm --synthesise --unix "$WORK/socket"
kill "$mock_pid"
wait "$mock_pid"
ok 'the socket is removed at the end' test ! -e "$WORK/socket"
done_testing
