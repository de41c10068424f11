#!/bin/sh
# ts-jail without a sandbox: what every command gets, and what the caller is told.
. "${0%/*}/lib.sh"

off() { ts-jail --profile off "$@"; }

is "a command's output is passed on" "$(off -- echo hello)" hello
must_fail 7 "a command's exit code is ours" off -- sh -c 'exit 7'
must_fail 137 "a command that a signal ended: 128 + signal" off -- sh -c 'kill -9 $$'
is "standard input is the command's" "$(echo text | off -- cat)" text

# The environment is a list of names, whatever we have.
export SECRET_KEY=hunter2 LD_PRELOAD='' LC_TEST=kept BASH_ENV=/nowhere OPENAI_API_KEY=sk-1 TS_X=1
is "the environment is a whitelist" "$(off -- env | sed 's/=.*//' | grep -vxF \
	-e PATH -e HOME -e LANG -e TZ -e USER -e LOGNAME -e SHELL -e TMPDIR -e TERM -e LC_ALL)" \
	"LC_TEST
TS_PROJECT"
is "the terminal is dumb" "$(TERM=xterm off -- sh -c 'echo $TERM')" dumb
is "--env adds a variable" "$(off --env A=b=c -- sh -c 'echo $A')" b=c
unset LD_PRELOAD

exec 7</dev/null 8</dev/null
is "descriptors are closed" "$(off -- sh -c 'ls /proc/$$/fd' | tr '\n' ' ')" "0 1 2 "
is "--keep-fd leaves one open" "$(off --keep-fd 8 -- sh -c 'ls /proc/$$/fd' | tr '\n' ' ')" "0 1 2 8 "
exec 7<&- 8<&-

is "limits: no core" "$(off -- sh -c 'ulimit -c')" 0
is "limits: --memory" "$(off --memory 100 -- sh -c 'ulimit -d')" 102400
is "limits: open files" "$(off -- sh -c 'ulimit -n')" 1024
is "no new privileges" "$(off -- sed -n 's/^NoNewPrivs:[^0-9]*//p' /proc/self/status)" 1
is "a session of its own" "$(off -- sh -c 'read -r _ _ _ _ _ session _ </proc/$$/stat
	test "$session" = $$ && echo own')" own

# Files: the limit is felt by the command, which is told by a signal.
off --file-size 1 -- sh -c 'head -c 5000000 /dev/zero >big' 2>/dev/null
is "limits: --file-size" "$(stat -c %s big)" 1048576

is "--state is made, private, and named" \
	"$(off --state "$WORK/state" -- sh -c 'stat -c %a "$TS_STATE_DIR"')" 700

# What the caller is told.
status() { off --status-fd 5 "$@" 5>&1 >/dev/null 2>&1; }
is "status: started, exited" "$(status -- sh -c 'exit 3')" \
	'{"type":"jail","status":"started"}
{"type":"jail","status":"exited","exit_code":3,"timed_out":false,"killed":0}'
is "status: a signal" "$(status -- sh -c 'kill -TERM $$' | tail -n 1)" \
	'{"type":"jail","status":"exited","exit_code":143,"signal":15,"timed_out":false,"killed":0}'
is "status: no such command" "$(status -- no-such-command)" \
	'{"type":"jail","status":"failed","message":"start '"'no-such-command'"': No such file or directory"}'
must_fail 127 "a command that is not there" off -- no-such-command
must_fail 126 "a command that cannot be executed" off -- /etc/passwd
off --status-fd 5 -- sh -c 'echo forged >&5' 5>"$WORK/status" 2>/dev/null
is "the command does not have the status descriptor" \
	"$(grep -c forged "$WORK/status") $(wc -l <"$WORK/status")" "0 2"

# Nobody reads the status: nobody waits for the command.
mkfifo "$WORK/fifo"
sh -c 'exec 5<"$1" && sleep 0.2' sh "$WORK/fifo" &
reader=$!
exec 5>"$WORK/fifo"
wait "$reader"
must_fail 143 "a caller that has gone: the command is ended" \
	timeout -s KILL 20 ts-jail --profile off --status-fd 5 -- sleep 30
exec 5>&-

for arguments in "--profile other -- true" "--timeout 0 -- true" "--timeout nan -- true" \
	"--keep-fd 9 -- true" "--status-fd 9 -- true" "--env =x -- true" "--memory -1 -- true" \
	"--timeout 1" "--nonsense"; do
	# shellcheck disable=SC2086 # words are wanted
	must_fail 2 "usage: $arguments" ts-jail $arguments
done

is "an option behind the command is the command's" "$(off echo --explain)" --explain
like "--explain says that nothing is confined" "$(off --explain)" '^allowed +everything your user may do'

done_testing
