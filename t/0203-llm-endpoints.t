#!/bin/sh
# Which model, at which address: detection, Unix sockets, proxies; and how ts-llm ends.
. "${0%/*}/lib.sh"

hi='{"type":"request","id":1,"messages":[{"role":"user","content":"hi"}]}'
resolve='{"type":"resolve","id":1}'
printf '%s\n' '{"match":"hi","content":"ok"}' >script

# Which model.

is "what is configured needs no server" "$(echo "$resolve" |
	ts-llm --model m --context-window 99 --base-url http://127.0.0.1:1/v1)" \
	'{"type":"model","id":1,"model":"m","alias":"default","context_window":99,"base_url":"http://127.0.0.1:1/v1"}'
is "without a server the window is a guess" "$(echo "$resolve" |
	ts-llm --model m --base-url http://127.0.0.1:1/v1 | jq .context_window)" 131072

start_mock --script script --model only --context-window 4096
is "the only model is used, with its window" "$(echo "$resolve" | ts-llm | jq -c '[.model, .context_window]')" '["only",4096]'
is "the window that was set counts first" "$(echo "$resolve" | ts-llm --context-window 10 | jq .context_window)" 10
is "a name that was set is told at once, its window when the server has" \
	"$(echo "$resolve" | ts-llm --model only | jq -r .context_window | tr '\n' ' ')" "131072 4096 "
is "a request finds its model too" "$(echo "$hi" | ts-llm | jq -r 'select(.type == "done").model')" only
kill "$mock_pid"

start_mock --script script --model first --model second --log requests
echo "$resolve" | ts-llm >output
is "of several the first" "$(jq -r 'select(.type == "model").model' output)" first
like "which is said" "$(jq -r 'select(.type == "info").message' output)" '2 models; using the first, first'
(
	echo "$resolve"
	wait_for 20 grep -q '"type":"model"' answered
	echo "$hi"
) | ts-llm >answered
is "the list is asked for once" "$(jq -r 'select(.type == "done").model' answered) $(grep -c '"path":"/models"' requests)" "first 2"
kill "$mock_pid"

listing() { # listing BODY: what resolve answers
	printf '{"match":{"path":"/models"},"body":%s}\n' "$1" >list
	start_mock --script list
	echo "$resolve" | ts-llm --retries 0 | jq -c 'if .type == "model" then [.model, .context_window] else "\(.class): \(.message)" end'
	kill "$mock_pid"
}
is "llama.cpp's window" "$(listing '{"data":[{"id":"a","meta":{"n_ctx":8192,"n_ctx_train":131072}}]}')" '["a",8192]'
is "an older one's" "$(listing '{"data":[{"id":"a","meta":{"n_ctx_train":32768}}]}')" '["a",32768]'
is "a router's" "$(listing '{"data":[{"id":"a","context_length":200000}]}')" '["a",200000]'
is "a window that is none" "$(listing '{"data":[{"id":"a","max_model_len":"big"}]}')" '["a",131072]'
like "no models" "$(listing '{"data":[]}')" 'config: GET .*/v1/models: the server offers no models'
like "no list" "$(listing '{"hello":1}')" 'config: GET .*no list of models'

# Which way.

: >unix.url
background ts-mock-llm --unix "$WORK/socket" --script script >unix.url
wait_for 5 test -s unix.url
is "through a Unix socket" "$(echo "$hi" | ts-llm --model m --base-url http://localhost/v1 --unix-socket "$WORK/socket" |
	jq -r 'select(.type == "done").message.content')" ok

# Whoever is asked as a proxy gets the whole address.
start_mock --script script --log proxied
echo "$hi" | env -u no_proxy http_proxy="${BASE_URL%/v1}" ts-llm --retries 0 --model m --base-url http://far.invalid/v1 >output
like "through the proxy of the environment" "$(jq -r .headers.host proxied)" '^far.invalid'
echo "$hi" | env -u no_proxy ts-llm --retries 0 --model m --base-url http://far.invalid/v1 --proxy "${BASE_URL%/v1}" >output
like "through a configured one" "$(jq -r '.headers.host // empty' proxied | sort | uniq -c)" '2 far.invalid'
echo "$hi" | env -u no_proxy http_proxy=http://127.0.0.1:1 ts-llm --model m >output
is "this machine is not asked through a proxy" "$(jq -r 'select(.type == "done").message.content' output)" ok

TURNSTONE_API_KEY=sk-abcdef KEY=sk-abcdef
export TURNSTONE_API_KEY KEY
start_mock --script script --api-key-env KEY
is "the key is sent" "$(echo "$hi" | ts-llm --model m | jq -r 'select(.type == "done").message.content')" ok
is "a wrong one is refused" "$(echo "$hi" | TURNSTONE_API_KEY=wrong ts-llm --model m | jq -r .class)" auth
unset TURNSTONE_API_KEY KEY

# How it ends.

printf '%s\n' '{"match":"hi","synthesise":{"tokens":1000000,"rate":2000}}' \
	'{"match":"fast","synthesise":{"tokens":300000}}' '{"match":"hang","content":"x","hang":true}' >script
start_mock --script script --log endings
TURNSTONE_MODEL=m
export TURNSTONE_MODEL

echo "$hi" | ts-llm 2>errors | head -n 3 >output
is "a reader that leaves: no words" "$(wc -l <output) $(cat errors)" "3 "
ok "and the transfer ends" wait_for 5 grep -q client_closed endings
must_fail 111 "a full disk" sh -c "echo '$hi' | ts-llm >/dev/full"
must_fail 111 "a closed stdout" sh -c "echo '$hi' | ts-llm >&-"
is "a closed stdin is an empty one" "$(ts-llm <&- 2>&1; echo $?)" 0

for signal in TERM INT HUP; do
	mkfifo "in.$signal"
	# A shell's background child ignores SIGINT unless it is told otherwise.
	env --default-signal=INT ts-llm <"in.$signal" >"out.$signal" 2>"err.$signal" &
	pid=$!
	background_pids="$background_pids $pid"
	exec 3>"in.$signal"
	echo '{"type":"request","id":1,"messages":[{"role":"user","content":"hang"}]}' >&3
	wait_for 5 grep -q content "out.$signal"
	kill -s "$signal" "$pid"
	case $signal in INT) wanted=130 ;; *) wanted=143 ;; esac
	wait "$pid"
	is "SIG$signal ends it" "$? $(cat "err.$signal")" "$wanted "
	exec 3>&-
done

# A reader that sleeps: nothing is lost, and memory does not grow with what is not read.
echo '{"type":"request","id":1,"messages":[{"role":"user","content":"fast"}]}' >fast
mkfifo slow
ts-llm <fast >slow &
pid=$!
background_pids="$background_pids $pid"
exec 4<slow
sleep 0.5
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
is "a slow reader gets everything" "$(jq -r .type <&4 | sort | uniq -c | tr -s ' \n' ' ')" " 300000 content 1 done "
exec 4<&-
[ -n "${SANITIZE:-}" ] || ok "and is waited for (${peak:-none} KiB)" test "${peak:-999999}" -lt 60000

done_testing
