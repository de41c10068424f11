#!/bin/sh
# ts-chat: calls that are approved later, by another process, and run once when the conversation
# is gone on with.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"role":"user","contains":"make"},"tool_calls":[{"name":"bash","id":"a","arguments":{"command":"echo x >>ran; echo one"}},{"name":"read_file","id":"b","arguments":{"path":"notes"}}]}
{"match":{"role":"user","contains":"block"},"tool_calls":[{"name":"bash","id":"a","arguments":{"command":"echo x >>ran; cat fifo"}}]}
{"times":"always","content":"fine"}
E2
echo 'a note' >notes
start_mock --script script --log requests
messages() { jq -c 'select(.type=="request" and (.path|test("completions"))).body.messages' requests | tail -n 1; }
field() { jq -r "select(.type==\"$2\").$3" "$1"; }
# defer NAME PROMPT: sets session and request.
defer() {
	: >ran
	# shellcheck disable=SC2086 # words of the prompt
	setsid -w ts-chat --sandbox off --no-stdin --approve=defer $2 >"$1" 2>errors
	code=$?
	session=$(field "$1" session session_id)
	request=$(field "$1" approval_deferred request_id)
}

defer first 'make it'
is "a call that is put off: exit code" "$code" 5
is "the turn and the run are pending" "$(field first turn_complete status) $(field first result status)" "pending pending"
like "a person is told how to go on" "$(cat errors)" "ts-approve .* allow.*ts-chat --resume $session"
is "nothing ran, not even what asks nobody" "$(cat ran; field first tool_result status)" ""

ts-chat --sandbox off --no-stdin --resume "$session" >second 2>errors
is "gone on with too early: exit code" "$?" 5
is "the same request waits" "$(field second approval_deferred request_id)" "$request"
is "and the model was not asked" "$(field second result usage.calls)" 0

ok "another process allows it" ts-approve "$request" allow
ts-chat --sandbox off --resume "$session" </dev/null >third
is "gone on with: exit code" "$?" 0
is "the calls run, with the ids they had" "$(jq -c 'select(.type=="tool_result")|[.call_id,.status]' third | sort | tr '\n' ' ')" \
	'["a","ok"] ["b","ok"] '
is "once" "$(cat ran)" x
is "and the model goes on" "$(field third result text)" fine
is "from their results, in order" "$(messages | jq -c '.[-2:]|map(.tool_call_id)')" '["a","b"]'
must_fail 2 "there is nothing to go on with after that" ts-chat --resume "$session" --no-stdin

defer first 'make it'
ok "a denial with words" ts-approve "$request" deny 'use the other file'
ts-chat --sandbox off --no-stdin --resume "$session" >second
like "reaches the model" "$(messages | jq -r '.[-2:]|map(.content)|join(" ")')" 'use the other file'
is "and nothing runs" "$(cat ran)" ""

defer first 'make it'
ts-chat --sandbox off --no-stdin --resume "$session" never mind >second
is "a new prompt instead of an answer: exit code" "$?" 0
is "withdraws the request" "$(messages | jq -c '.[-3:]|map(.role)')" '["tool","tool","user"]'
like "the model is told" "$(messages | jq -r '.[-2].content')" '^not run: the call was waiting for approval'
must_fail 1 "an answer that comes now is refused" ts-approve "$request" allow
ts-chat --sandbox off --no-stdin --resume "$session" more >second
is "and nothing ran" "$(cat ran)" ""

defer first 'make it'
ts-approve "$request" allow >/dev/null
ts-chat --sandbox off --no-stdin --resume "$session" 'then read it' >second
is "a new prompt behind an answer: the calls run" "$? $(cat ran)" "0 x"
is "and the prompt comes behind their results" "$(messages | jq -c '.[-3:]|map(.tool_call_id//.content)')" \
	'["a","b","then read it"]'

# Killed while what was allowed is running.
mkfifo fifo
defer first 'block it'
ts-approve "$request" allow >/dev/null
background ts-chat --sandbox off --no-stdin --resume "$session" >second
wait_for 10 test -s ran
kill -9 "$pid" && wait "$pid"
ts-chat --sandbox off --no-stdin --resume "$session" what now >third
is "killed while it ran: gone on with" "$?" 0
like "it counts as interrupted" "$(messages | jq -r '.[-2].content')" '^interrupted'
is "and is not run again" "$(cat ran)" x

# A process that lives on.
: >ran
{
	echo '{"type":"send","message":"make it"}'
	wait_for 10 grep -q '"pending"' live >/dev/null
	echo '{"type":"send","message":"never mind"}'
} | ts-chat --sandbox off --approve defer --ndjson >live
is "with --ndjson: both turns end" "$(field live turn_complete status | tr '\n' ' ')" "pending ok "
like "the second withdraws the request" "$(messages | jq -r '.[-2].content')" '^not run: the call was waiting'
defer first 'make it'
ts-approve "$request" allow >/dev/null
ts-chat --sandbox off --ndjson --resume "$session" </dev/null >second
is "with --ndjson and --resume the calls run first" "$? $(cat ran) $(field second turn_complete status)" "0 x ok"
must_fail 5 "--no-save leaves nothing to put off" setsid -w ts-chat --no-stdin --no-save --approve defer make it
unlike "and says nothing of it" "$(cat "$WORK/.fail-output")" 'approval_deferred'
done_testing
