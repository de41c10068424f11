#!/bin/sh
# ts-tool-exec: one result for every call, whatever happens to it.
. "${0%/*}/lib.sh"

# Tools of a user: they lie beside their definitions.
tools=$XDG_CONFIG_HOME/turnstone/tools
mkdir -p "$tools"
tool() { # tool NAME [EXTRA-MEMBERS] < script
	cat >"$tools/$1" && chmod +x "$tools/$1"
	printf '{"name":"%s","description":"a tool that is used by a test","parameters":{"type":"object",
		"properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false},
		"command":["%s"]%s}' "$1" "$1" "${2:-}" >"$tools/$1.json"
}
tool echo_arguments <<'END'
#!/bin/sh
cat
END
tool crash <<'END'
#!/bin/sh
echo before
kill -SEGV $$
END
tool wait_for_end ',"read_only":true,"stream":true' <<'END'
#!/bin/sh
echo begun
exec sleep 50
END
tool write_slowly ',"stream":true' <<'END'
#!/bin/sh
echo begun
exec sleep 50
END
tool complain <<'END'
#!/bin/sh
echo out
echo 'complain: no such thing' >&2
exit 1
END
tool display <<'END'
#!/bin/sh
echo 'for the model'
echo '{"type":"display","text":"for a person"}' >&"$TS_EVENT_FD"
echo 'garbage' >&"$TS_EVENT_FD"
echo '{"type":"tool_batch","calls":[]}' >&"$TS_EVENT_FD"
echo '{"type":"progress","message":"half"}' >&"$TS_EVENT_FD"
END
tool environment <<'END'
#!/bin/sh
env | sed 's/=.*//' | sort
END
tool overlap ',"paths":["a"]' <<'END'
#!/bin/sh
mkdir busy 2>/dev/null || { echo 'two at once'; exit 1; }
sleep 0.05
rmdir busy
END
tool together ',"read_only":true' <<'END'
#!/bin/sh
: >"seen.$TS_CALL_ID"
n=0
while [ $n -lt 100 ]; do
	set -- seen.*
	[ $# -ge 4 ] && exit 0
	sleep 0.05
	n=$((n + 1))
done
exit 1
END
printf '{"name":"lost","description":"a tool whose program is not there","parameters":{"type":"object","properties":{},"additionalProperties":false},"command":["nowhere"]}' >"$tools/lost.json"

item() { # item ID TOOL [MEMBERS]
	printf '{"call_id":"%s","func_name":"%s","arguments":{},"decision":"allow","decided_by":"policy","error":null%s}' \
		"$1" "$2" "${3:-}"
}
batch() { # batch ITEM...
	printf '{"type":"decided","batch_id":"b1","correlation_id":"x","items":['
	separator=
	for one; do
		printf '%s%s' "$separator" "$one"
		separator=,
	done
	echo ']}'
}
result() { jq -c --arg id "$1" 'select(.type == "tool_result" and .call_id == $id)' | jq -r "$2"; }

# Without a sandbox where this kernel allows none: the results are the same.
mode=auto
ts-jail --explain >/dev/null 2>&1 || mode=off
run() { timeout -s KILL 30 ts-tool-exec --sandbox $mode "$@"; }

batch "$(item 1 echo_arguments)" | run >out
is "a call: a result, and the end of the batch" "$(jq -c '[.type, .status, .output, .exit_code, .denied]' out)" \
	'["tool_result","ok","{}",0,null]
["batch_complete",null,null,null,0]'

# Six calls of which one crashes; the others are as they are.
batch "$(item 1 echo_arguments)" "$(item 2 crash)" "$(item 3 complain)" "$(item 4 lost)" "$(item 5 no_such_tool)" \
	"$(item 6 echo_arguments)" | run >out
is "six calls: six results" "$(jq -rs 'map(select(.type == "tool_result").call_id) | sort | join(" ")' out)" "1 2 3 4 5 6"
is "the good ones" "$(result 1 .status <out) $(result 6 .status <out)" "ok ok"
is "the crash: what it had printed, and how it ended" "$(result 2 '.status + " " + .output' <out)" \
	"error before
[killed by signal 11, SIGSEGV]
[exit code: 139]"
is "a failure: what it said" "$(result 3 '.status + " " + .output' <out)" "error out
complain: no such thing"
like "a program that is not there" "$(result 4 '.status + " " + .output' <out)" '^error It was not run: .*nowhere'
is "an unknown tool" "$(result 5 '.status + " " + .output' <out)" "error Unknown tool: no_such_tool"
is "the last line ends the batch" "$(tail -n 1 out | jq -r .type)" batch_complete

# Decisions.
batch "$(item 1 echo_arguments | sed 's/"allow"/"deny"/; s/}$/,"reason":"not today"}/')" \
	"$(item 2 echo_arguments | sed 's/"allow"/"deny"/; s/policy/person/; s/}$/,"feedback":"use ls"}/')" \
	"$(item 3 echo_arguments | sed 's/"allow"/"deny"/; s/policy/cancelled/')" \
	"$(item 4 echo_arguments | sed 's|"error":null|"error":"the argument is wrong"|')" \
	"$(item 5 echo_arguments | sed 's/,"decision":"allow"//')" | run >out
is "denied by policy" "$(result 1 '.status + " " + .output' <out)" "denied Denied by the policy: not today"
is "denied by a person" "$(result 2 '.status + " " + .output' <out)" "denied Denied by the user: use ls"
is "cancelled before it ran" "$(result 3 .status <out)" cancelled
is "an item with an error" "$(result 4 '.status + " " + .output' <out)" "error the argument is wrong"
is "no decision is no permission" "$(result 5 .status <out)" denied
is "denials are counted" "$(tail -n 1 out | jq -c .denied)" 4
is "feedback is passed on" "$(batch "$(item 1 echo_arguments)" | sed 's/}$/,"feedback":"and then?"}/' | run |
	tail -n 1 | jq -r .feedback)" "and then?"

# Order.
batch "$(item 1 together)" "$(item 2 together)" "$(item 3 together)" "$(item 4 together)" | run >out
is "four run at once" "$(jq -rs 'map(select(.type == "tool_result").status) | unique | join(" ")' out)" ok
batch "$(item 1 overlap ',"paths":["/x/y"]')" "$(item 2 overlap ',"paths":["/x/y"]')" \
	"$(item 3 overlap ',"paths":["/x"]')" | run >out
is "calls that share a path run in order" "$(jq -rs 'map(select(.type == "tool_result").status) | join(" ")' out)" "ok ok ok"

# What a tool gets and may say.
batch "$(item 1 display)" | run >out
is "display is for a person" "$(result 1 '.output + "/" + .display' <out)" "for the model/for a person"
is "progress is told; what else a tool writes there is not passed on" \
	"$(jq -r 'select(.type != "tool_result" and .type != "batch_complete") | .type' out)" info
is "a tool's environment" "$(batch "$(item 1 environment)" | OPENAI_API_KEY=sk-1 TURNSTONE_BASE_URL=http://x/v1 run |
	result 1 .output | grep -vxF -e PATH -e HOME -e LANG -e LC_ALL -e TERM -e TMPDIR -e USER -e LOGNAME -e SHELL -e TZ -e PWD -e SHLVL -e _ -e OLDPWD)" \
	"TS_ANSWER_FD
TS_CALL_ID
TS_EVENT_FD
TS_PROJECT
TS_TOOL_TIMEOUT"

# Lines.
printf '%s\n' '{"type":"later","x": 1}' 'garbage' '' '{"type":"decided"}' '{"type":"other"}' | run >out
is "unknown lines pass as they are" "$(grep -c '^{"type":"later","x": 1}$' out)" 1
is "wrong lines are named" "$(jq -r 'select(.type == "error").message' out | cut -c 1-21)" \
	"ts-tool-exec: line 2:
ts-tool-exec: line 4:"
is "and the stream goes on" "$(tail -n 1 out)" '{"type":"other"}'
batch | run >out
is "an empty batch ends" "$(jq -r .type out)" batch_complete
# shellcheck disable=SC2046 # words are wanted
batch $(seq 300 | sed 's/.*/{"call_id":"&","func_name":"x","decision":"allow"}/') | run >out
is "too many calls: a result each" "$(grep -c tool_result out)" 300

# The end.
batch "$(item 1 wait_for_end ',"timeout":0.5')" | run >out
is "timeout: what was printed is kept" "$(result 1 '.status + " " + .output' <out)" \
	"timeout begun
[timed out after 0.5 s: it was ended, with everything it had started]"

mkfifo in
begun() { [ "$(grep -c begun out)" -ge "$1" ]; }
start() { # start ITEM...: an executor that has begun to run them, in $pid; we write to it on 9
	: >out
	ts-tool-exec --sandbox $mode <in >out &
	pid=$!
	exec 9>in
	batch "$@" >&9
	wait_for 10 begun $#
}
start "$(item 1 wait_for_end)" "$(item 2 write_slowly)"
printf '{"type":"cancel"}\n{"type":"after"}\n' >&9
ok "cancel: within a second" wait_for 2 grep -q after out
is "a reader is cancelled, what a writer did is unknown" "$(result 1 .status <out) $(result 2 .status <out)" "cancelled unknown"
like "it is said" "$(result 1 .output <out)" '^\[cancelled by user\]$'
is "cancel is passed on behind what it caused, in order" "$(tail -n 3 out | jq -r .type | tr '\n' ' ')" "batch_complete cancel after "
batch "$(item 3 echo_arguments)" >&9
ok "and it goes on" wait_for 5 grep -q '"call_id":"3"' out
exec 9>&-
wait "$pid"
is "end of input: exit code" "$?" 0

for signal in TERM INT; do
	start "$(item 1 wait_for_end)"
	kill -$signal "$pid"
	wait "$pid"
	is "SIG$signal: exit code" "$?" "$([ $signal = TERM ] && echo 143 || echo 130)"
	is "SIG$signal: the result is written" "$(result 1 .status <out)" interrupted
	exec 9>&-
done

nothing_left() { ! grep -lsa "^sleep.50$" /proc/[0-9]*/cmdline >/dev/null || [ -z "$(sleepers)" ]; }
sleepers() { for file in $(grep -lsa '^sleep.50' /proc/[0-9]*/cmdline); do
	case $(readlink "${file%/cmdline}/cwd") in "$WORK"/*) echo "$file" ;; esac
done; }
start "$(item 1 wait_for_end)" "$(item 2 write_slowly)"
ok "they run" test -n "$(sleepers)"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
ok "SIGKILL: nothing is left" wait_for 5 nothing_left
touch -d '2 minutes ago' "$XDG_RUNTIME_DIR"/turnstone/state-* # what it left, a later one removes
exec 9>&-

start "$(item 1 wait_for_end)"
exec 9>&-
sleep 0.2 # nothing is to happen: there is nothing to wait for
ok "end of input: what runs goes on" test -n "$(sleepers)"
kill -TERM "$pid"
wait "$pid"

# Its reader goes: no one is left either.
batch "$(item 1 write_slowly)" | timeout -s KILL 30 ts-tool-exec --sandbox $mode | head -c 1 >/dev/null
ok "no reader: nothing is left" wait_for 5 nothing_left
batch "$(item 1 echo_arguments)" >decided
must_fail 111 "a full disk" sh -c 'ts-tool-exec --sandbox "$1" <decided >/dev/full' sh $mode
rm -rf "$XDG_RUNTIME_DIR/turnstone/jail"
is "no file of ours is left" "$(ls "$XDG_RUNTIME_DIR/turnstone")" ""

done_testing
