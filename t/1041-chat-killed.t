#!/bin/sh
# ts-chat, killed with SIGKILL anywhere in a turn: what it told is kept, nothing runs twice, and
# the conversation can be gone on with.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"role":"user","contains":"slowly"},"content":["half ","an ","answer"],"chunk_delay_ms":400}
{"match":{"role":"user","contains":"hang"},"content":"all but the end","hang":true}
{"match":{"role":"user","contains":"wait"},"tool_calls":[{"name":"bash","id":"a","arguments":{"command":"echo first"}},{"name":"bash","id":"b","arguments":{"command":"echo ran >> count; cat fifo"}}]}
{"match":{"role":"user","contains":"quick"},"content":"on it","tool_calls":[{"name":"bash","arguments":{"command":"echo x >> count; echo one"}},{"name":"bash","arguments":{"command":"echo x >> count; echo two"}}]}
{"match":{"role":"tool","contains":"two"},"tool_calls":[{"name":"bash","arguments":{"command":"echo x >> count; echo three"}}]}
{"match":{"role":"tool"},"content":"done with it"}
{"times":"always","content":"fine"}
E2
start_mock --script script --log requests
mkfifo fifo
messages() { jq -c 'select(.type=="request" and (.path|test("completions"))).body.messages' requests | tail -n 1; }
session() { jq -r 'select(.type=="session").session_id' "$1"; }
# Every call has its results right behind it, each once, and a user never speaks twice in a row.
well_formed='reduce .[] as $m ({open: [], bad: false, last: ""};
	if $m.role == "tool" then
		(if .open | index($m.tool_call_id) then . else .bad = true end) | .open -= [$m.tool_call_id]
	else
		(if (.open | length) > 0 or ($m.role == "user" and .last == "user") then .bad = true else . end) |
		.open = [($m.tool_calls // [])[].id]
	end | .last = $m.role) | (.bad | not) and (.open | length) == 0'
is_well_formed() { [ "$(messages | jq "$well_formed")" = true ]; }

# begin NAME PROMPT: in the background, events to NAME.
begin() {
	# shellcheck disable=SC2086 # words of the prompt
	background ts-chat --sandbox off --skip-permissions --no-stdin $2 >"$1"
}
end() { kill -9 "$pid" && wait "$pid"; }
go_on() { # go_on NAME: a new prompt
	ts-chat --no-stdin --resume "$(session "$1")" 'what then' >after
	is "$1: gone on with" "$?" 0
	ok "$1: the request is well-formed" is_well_formed
}

begin text slowly
wait_for 10 grep -q '"text":"half' text
end
go_on text
is "text: the prompt is there, without an answer" \
	"$(messages | jq -c '.[2:]|map([.role,.content])')" '[["assistant","[no answer]"],["user","what then"]]'

begin calls wait
wait_for 10 grep -q '"call_id":"a".*"status":"ok"' calls
wait_for 10 test -s count
end
go_on calls
is "calls: the result that was told is kept" "$(messages | jq -r '.[]|select(.tool_call_id=="a").content')" first
like "calls: the other one says what is known" "$(messages | jq -r '.[]|select(.tool_call_id=="b").content')" \
	'^interrupted: .*not known'
is "calls: results in the order of the calls" "$(messages | jq -c 'map(.tool_call_id//empty)')" '["a","b"]'
is "calls: nothing ran again" "$(cat count)" ran
like "calls: a person is told" "$(jq -r 'select(.type=="info").message' after)" '1 calls or prompts had no answer'
before=$(messages)
ts-chat --no-stdin --resume "$(session calls)" and now >after
is "calls: the next request has the same result for it" \
	"$(messages | cut -c "1-$((${#before} - 1))")" "${before%]}"
unlike "calls: which is no news any more" "$(cat after)" 'had no answer'
exec 4<>fifo # let the command go, should it be there still
exec 4>&-

begin end hang
wait_for 10 grep -q 'but the end' end
end
go_on end

# Anywhere: the moment moves through two rounds of calls, and what was told is looked for.
told_is_kept() { # told_is_kept NAME
	messages >sent
	jq -e --slurpfile sent sent 'select(.type=="tool_result") | .output as $o | .call_id as $c |
		select([$sent[0][] | select(.tool_call_id==$c and .content==$o)] | length != 1)' "$1" >lost
	[ ! -s lost ] || return 1
	grep -q '"type":"turn_complete"' "$1" || return 0
	jq -e 'any(.[]; .content == "done with it")' sent
}
lost=0 broken=0 doubled=0 kept=0 started=0
for moment in 02 03 04 05 06 07 08 09 10 11 12 13 14 16 18 20 24 30 50 75 99; do
	: >count
	background ts-chat --sandbox off --skip-permissions --no-stdin quick 2>errors >"run$moment"
	sleep "0.$moment"
	kill -9 "$pid" 2>/dev/null
	wait "$pid"
	sed -i '${/}$/!d}' "run$moment"
	id=$(session "run$moment")
	started=$((started + 1))
	if [ -z "$id" ] || ! ts-chat --no-stdin --resume "$id" 'what then' >after 2>errors; then
		# Before the prompt was stored nothing has been told.
		if grep -Eq '"type":"(content|tool_result|turn_complete)"' "run$moment"; then lost=$((lost + 1)); fi
		continue
	fi
	kept=$((kept + 1))
	is_well_formed || broken=$((broken + 1))
	told_is_kept "run$moment" >/dev/null || lost=$((lost + 1))
	[ "$(wc -l <count)" -le 3 ] || doubled=$((doubled + 1))
done
is "killed at $started moments, $kept of them gone on with: nothing that was told is lost" "$lost" 0
is "every request is well-formed" "$broken" 0
is "no call ran twice" "$doubled" 0
ok "some were killed after they were stored" test "$kept" -gt 2
done_testing
