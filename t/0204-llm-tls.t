#!/bin/sh
# A model server behind TLS: whose certificate is believed, and what is said when it is not.
. "${0%/*}/lib.sh"

hi='{"type":"request","id":1,"messages":[{"role":"user","content":"hi"}]}'
cat >response <<'END'
HTTP/1.1 200 OK
Content-Type: text/event-stream
Connection: close

data: {"choices":[{"delta":{"content":"safe"},"finish_reason":"stop"}]}

data: [DONE]

END

certificate() { # certificate NAME HOST: NAME.pem, and its key in NAME.key
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-keyout "$1.key" -out "$1.pem" -subj "/CN=$2" -addext "subjectAltName=DNS:$2" 2>/dev/null
}

mkfifo held
serve() { # serve NAME: one connection with this certificate; sets port
	: >serving
	background sh -c '{ cat response; cat <held; } |
		exec openssl s_server -accept 0 -naccept 1 -cert "$0.pem" -key "$0.key"' "$1" >serving 2>&1
	wait_for 10 grep -q '^ACCEPT' serving || diagnose "$(cat serving)"
	port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' serving)
}

# The answer, or the class and sentence of the error.
ask() {
	echo "$hi" | timeout 20 ts-llm --model m --retries 0 "$@" |
		jq -r 'if .type == "done" then .message.content elif .type == "error" then "\(.class): \(.message)" else empty end'
	: >held & # the server's input ends
	wait "$!"
	wait "$pid"
}

certificate mine localhost
certificate other localhost
certificate elsewhere elsewhere.invalid

serve mine
is "a certificate of the given file is believed" "$(ask --ca-file mine.pem --base-url "https://localhost:$port/v1")" safe
serve mine
like "an unknown one is not" "$(ask --base-url "https://localhost:$port/v1")" \
	'^connect: POST https://localhost:[0-9]+/v1/chat/completions: .*certificate'
serve mine
like "nor one of somebody else" "$(ask --ca-file other.pem --base-url "https://localhost:$port/v1")" '^connect: .*certificate'
serve elsewhere
like "nor one for another name" "$(ask --ca-file elsewhere.pem --base-url "https://localhost:$port/v1")" \
	"^connect: .*(certificate|subject name)"
serve elsewhere
is "unless somebody says in words not to check" \
	"$(ask --no-verify-tls --base-url "https://localhost:$port/v1")" safe
start_mock --synthesise
plain=$(echo "$hi" | ts-llm --model m --retries 0 --base-url "https${BASE_URL#http}" | jq -r "select(.type == \"error\").class")
is "a server that speaks no TLS gets no request" "$plain $(cat "$WORK/mock.log")" "connect "
serve mine
like "a file of certificates that is not there is a wrong configuration" "$(ask --ca-file none.pem --base-url "https://localhost:$port/v1")" "^config: .*ca_file cannot be read"

done_testing
