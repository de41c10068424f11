#!/bin/sh
# ts-llm against answers that are odd at the edges: secrets cut in two, waits that overflow.
. "${0%/*}/lib.sh"

one() { printf '{"type":"request","id":1,"messages":[{"role":"user","content":"%s"}]%s}\n' "$1" "${2:-}" | timeout 20 ts-llm --model m; }
of_type() { jq -r "select(.type == \"$1\").message"; }

key=sk-secret-1234567890-abcdef
filler=$(head -c 285 /dev/zero | tr '\0' x)
cat >script <<END
{"match":"cut key","status":400,"raw":["$filler $key"]}
{"match":"masked key","status":401,"error":"bad key $(printf %.12s $key)****"}
{"match":"for ages","status":429,"error":"slow","headers":{"Retry-After":"999999999999999999999"}}
{"match":"never mind","status":429,"error":"slow","headers":{"Retry-After":"-5"},"times":1}
{"match":"never mind","content":"now"}
{"match":"a fraction","status":429,"error":"slow","headers":{"Retry-After":"0.5"},"times":1}
{"match":"a fraction","content":"now"}
{"match":"cut call","tool_calls":[{"name":"bash","arguments":"{\"command\":\"echo"}],"content":"x","finish_reason":"length"}
{"match":"as text","content":"<tool_call>{\"name\":\"bash\",\"arguments\":{}}</tool_call>"}
END
TURNSTONE_API_KEY=$key
export TURNSTONE_API_KEY
start_mock --script script

one "cut key" >output
like "the server's words are told" "$(of_type error <output)" 'HTTP 400: x+ '
unlike "also when they are cut inside the key, its beginning is not shown" "$(cat output)" sk-secret
one "masked key" >output
unlike "nor the beginning of a key that the server masks" "$(cat output)" sk-secret

one "for ages" >output
like "a wait beyond all numbers is an answer" "$(of_type error <output)" 'it asks to wait [0-9]{6,} s'
is "and nothing is tried again" "$(of_type info <output)" ""
one "never mind" >output
unlike "a wait that is no number is not taken for none" "$(of_type info <output)" 'in 0\.0 s'
one "a fraction" >output
like "a fraction of a second is waited for in full" "$(of_type info <output)" 'in 1\.0 s'

one "cut call" >output
like "a call that the token limit cut off is told to people" "$(of_type info <output)" 'cut the call of bash off'
one "as text" ',"tools":[{"type":"function","function":{"name":"bash"}}]' >output
is "a call as text is told once" "$(of_type info <output | grep -c 'call as text')" 1
done_testing
