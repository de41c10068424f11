#!/bin/sh
# ts-render off a terminal: only the answer, when it is certain, and the exit code.
. "${0%/*}/lib.sh"

lines() { printf '%s\n' "$@"; }
done_ok='{"type":"result","status":"ok","exit_code":0}'
turn='{"type":"turn_complete","status":"ok"}'
say() { printf '{"type":"content","id":"%s","text":"%s"}\n' "$1" "$2"; }

is 'the answer, with a newline at its end' \
	"$(lines "$(say a '**hi**')" "$turn" "$done_ok" | ts-render; echo "$?")" '**hi**
0'
is 'only the last call of a turn' \
	"$(lines "$(say a 'let me look')" '{"type":"stream_end","id":"a"}' "$(say b found)" "$turn" \
		"$done_ok" | ts-render)" found
is 'a retried attempt is not seen twice' \
	"$(lines "$(say a half)" '{"type":"discard","id":"a"}' "$(say a 'half and more')" "$turn" \
		"$done_ok" | ts-render)" 'half and more'
is 'many turns, one answer each' \
	"$(lines "$(say a one)" "$turn" "$(say b two)" "$turn" "$done_ok" | ts-render)" 'one
two'
is 'control bytes are made visible' \
	"$(lines "$(say a '\u001b[2J\u202e\u009b\r\nx')" "$turn" "$done_ok" | ts-render)" \
	'␛[2J\u{202E}\u{009B}
x'
is '--all has every call' \
	"$(lines "$(say a one)" '{"type":"stream_end","id":"a"}' "$(say b two)" "$turn" "$done_ok" |
		ts-render --all)" 'one
two'
is '--stream has the text before it is certain' \
	"$(lines "$(say a one)" "$(say a two)" | ts-render --stream 2>/dev/null)" 'onetwo'
is 'the text of the result line, when there was no other' \
	"$(lines '{"type":"result","status":"ok","exit_code":0,"text":"42"}' | ts-render)" 42
is 'text that came before the end of the input is not lost' \
	"$(lines "$(say a 'so far')" | ts-render 2>/dev/null)" 'so far'

for code in 0 1 4 5 6 124 130 143; do
	printf '{"type":"result","status":"x","exit_code":%s}\n' "$code" >result
	must_fail "$code" "exit code $code of the result line" ts-render <result
done
must_fail 1 'no result line' ts-render </dev/null
like 'and it says so' "$(ts-render </dev/null 2>&1)" 'without a result'
lines 'not json' '[1]' '{"a":1}' '{"type":"content","text":"\ud800x"}' "$turn" "$done_ok" >broken
is 'a malformed line is skipped' "$(ts-render <broken 2>errors)" '�x'
is 'and reported, once each' "$(grep -c '^ts-render: line [123]: ' errors)" 3
like 'errors go to stderr' \
	"$(lines '{"type":"error","message":"no \u001b[1mmodel"}' "$done_ok" | ts-render 2>&1 >/dev/null)" \
	'^ts-render: no ␛\[1mmodel$'

say a text >long
head -c 9000000 /dev/zero | tr '\0' x >>long
lines '' "$turn" "$done_ok" >>long
is 'a line over the limit is skipped' "$(ts-render <long 2>errors)" text
like 'and reported' "$(cat errors)" 'line 2: longer'
lines "$(say a text)" "$turn" "$done_ok" >answer
must_fail 111 'a full disk is noticed' sh -c 'ts-render <answer >/dev/full'
done_testing
