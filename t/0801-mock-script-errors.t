#!/bin/sh
# A script that cannot mean what it says is refused at the start, with its place.
. "${0%/*}/lib.sh"

refused() { # title line-of-script ERE
	printf '# a comment\n%s\n' "$2" >"$WORK/bad.ndjson"
	ts-mock-llm --script "$WORK/bad.ndjson" >"$WORK/out" 2>"$WORK/err" </dev/null &
	pid=$!
	background_pids="$background_pids $pid"
	wait "$pid"
	is "$1: exit code" "$?" 3
	like "$1: message" "$(cat "$WORK/err")" "^ts-mock-llm: .*bad.ndjson:2: .*$3"
}
refused 'unknown key' '{"contnet":"x"}' "unknown key 'contnet'"
refused 'unknown key in match' '{"match":{"regexp":"x"}}' "unknown key 'regexp' in 'match'"
refused 'unknown key in a call' '{"tool_calls":[{"nmae":"x"}]}' "unknown key 'nmae'"
refused 'unknown quirk' '{"quirks":["no_idea"]}' "unknown quirk 'no_idea'"
refused 'unknown template' '{"content":"{{last_usr}}"}' 'unknown template .*last_usr'
refused 'broken expression' '{"match":{"regex":"("}}' "regex '\\('"
refused 'wrong type' '{"content":5}' "'content'"
refused 'a piece that is no text' '{"content":["a",1]}' "'content'"
refused 'out of range' '{"status":99}' "'status' must be .* 200 to 599"
refused 'a fraction' '{"delay_ms":1.5}' "'delay_ms'"
refused 'times' '{"times":0}' "'times'"
refused 'no object' '[1]' 'object'
refused 'no JSON' '{"content":"x"' ''
refused 'too deep' "$(printf '%0100d' 0 | sed 's/0/[/g')" ''

printf '{"content":"{{not a template}} {{}} {{x"}\n{"content":"{{free}}","templates":false}' \
	>"$WORK/good.ndjson"
start_mock --script "$WORK/good.ndjson"
is 'what only looks like a template is left alone' \
	"$(for _ in 1 2; do
		curl -s "$BASE_URL/chat/completions" -d '{"messages":[{"role":"user","content":"x"}]}' |
			jq -r '.choices[0].message.content'
	done | tr '\n' '|')" '{{not a template}} {{}} {{x|{{free}}|'

must_fail 3 'a script that is not there' ts-mock-llm --script "$WORK/none"
must_fail 2 'neither script nor synthesis' ts-mock-llm
must_fail 2 'an operand' ts-mock-llm --synthesise x
must_fail 2 'a rate that is no number' ts-mock-llm --synthesise --rate nan
must_fail 3 'a key that is not set' ts-mock-llm --synthesise --api-key-env NO_SUCH_VARIABLE
must_fail 111 'an open address without a key' ts-mock-llm --synthesise --listen 0.0.0.0
must_fail 111 'a port in use' ts-mock-llm --synthesise --port "$(
	echo "$BASE_URL" | sed 's/.*:\([0-9]*\).*/\1/'
)"
for script in "$SOURCE"/examples/scripts/*.ndjson; do
	# shellcheck disable=SC2016 # for the inner shell
	ok "example ${script##*/} loads" sh -c \
		'ts-mock-llm --script "$1" >/dev/full 2>"$2"; grep -q "write to stdout" "$2"' \
		sh "$script" "$WORK/err"
done
done_testing
