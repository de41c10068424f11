#!/bin/sh
# Nothing that a command started outlives it, however it hides and whoever dies first.
. "${0%/*}/lib.sh"

# A sleep of an odd length is found again by its argument, once it is really executed.
running() { grep -lsa "^sleep.$1\.$$" /proc/[0-9]*/cmdline; }
gone() { ! running "$1"; }
check_gone() { ok "$1: nothing is left" wait_for 5 gone "$2"; }

profiles=off
ts-jail --explain >/dev/null 2>&1 && profiles='off workspace'

for profile in $profiles; do
	jail() { timeout -s KILL 30 ts-jail --profile "$profile" "$@"; }

	# Daemons of all kinds; each holds our pipe, so that reading to the end proves something too.
	text=$(jail -- sh -c "setsid sleep 6000.$$ & nohup sleep 6000.$$ >/dev/null 2>&1 &
		(setsid sh -c 'setsid sleep 6000.$$ & sleep 6000.$$' &)
		perl -e 'fork and exit; setpgrp; fork and exit; exec qw(sleep 6000.$$)' &
		sleep 0.1; echo end")
	is "$profile: a command with daemons ends" "$text" end
	check_gone "$profile: daemons" 6000

	started=$(date +%s)
	must_fail 124 "$profile: --timeout" jail --timeout 0.5 -- sh -c "setsid sleep 6001.$$ & sleep 6001.$$"
	ok "$profile: at once, though a child held the pipe" test $(($(date +%s) - started)) -lt 6
	check_gone "$profile: timeout" 6001
	must_fail 124 "$profile: a command that ignores signals" jail --timeout 0.3 -- \
		sh -c "trap '' TERM INT HUP QUIT; sleep 6002.$$"
	check_gone "$profile: ignored signals" 6002

	for signal in TERM INT; do
		ts-jail --profile "$profile" --status-fd 5 -- sh -c "setsid sleep 6003.$$ & sleep 6003.$$" \
			5>"$WORK/status" &
		jail_pid=$!
		wait_for 5 running 6003
		kill -"$signal" "$jail_pid"
		wait "$jail_pid"
		is "$profile: SIG$signal" "$?" "$([ $signal = TERM ] && echo 143 || echo 130)"
		check_gone "$profile: SIG$signal" 6003
		like "$profile: SIG$signal is reported" "$(tail -n 1 "$WORK/status")" '"status":"exited","exit_code":1[34]'
	done

	ts-jail --profile "$profile" -- sh -c "setsid sleep 6004.$$ & (setsid sleep 6004.$$ &); sleep 6004.$$" &
	jail_pid=$!
	wait_for 5 running 6004
	kill -KILL "$jail_pid"
	wait "$jail_pid" 2>/dev/null
	check_gone "$profile: ts-jail itself was killed" 6004

	# Who started it dies.
	sh -c "ts-jail --profile $profile -- sh -c 'setsid sleep 6005.$$ & sleep 6005.$$' & wait" &
	parent=$!
	wait_for 5 running 6005
	kill -KILL "$parent"
	wait "$parent" 2>/dev/null
	check_gone "$profile: the parent was killed" 6005

	# At any time of its start.
	for delay in 0.001 0.003 0.006 0.01 0.02; do
		ts-jail --profile "$profile" -- sh -c "setsid sleep 6006.$$ & sleep 6006.$$" &
		jail_pid=$!
		sleep "$delay"
		kill -KILL "$jail_pid"
		wait "$jail_pid" 2>/dev/null
	done
	check_gone "$profile: killed while it starts" 6006
done

# The command kills its supervisor.
must_fail 111 "off: the supervisor is killed by the command" timeout -s KILL 30 \
	ts-jail --profile off -- sh -c "setsid sleep 6007.$$ & kill -KILL \$PPID; sleep 6007.$$"
check_gone "off: the supervisor was killed" 6007

is "off: what had to be ended is counted" "$(ts-jail --profile off --status-fd 5 -- \
	sh -c "sleep 6008.$$ & setsid sleep 6008.$$ & exec true" 5>&1 >/dev/null 2>&1 | tail -n 1)" \
	'{"type":"jail","status":"exited","exit_code":0,"timed_out":false,"killed":2}'

# A command that knows how to end.
script="trap 'echo put away; exit 0' TERM; setsid sleep 6020.$$ & echo begun; while :; do sleep 0.05; done"
is "--grace: a command may end by itself when the time is up" \
	"$(ts-jail --profile off --timeout 0.5 --grace 5 -- sh -c "$script")" "begun
put away"
check_gone "--grace" 6020
ts-jail --profile off --grace 5 -- sh -c "$script" >grace &
jail_pid=$!
wait_for 5 grep -q begun grace
kill -TERM "$jail_pid"
wait "$jail_pid"
is "--grace: and on a signal, which is still the exit code" "$? $(tail -n 1 grace)" "143 put away"
check_gone "--grace: signal" 6020
must_fail 124 "--grace: one that does not is killed" timeout -s KILL 20 ts-jail --profile off --timeout 0.3 \
	--grace 0.3 -- sh -c "trap '' TERM; sleep 6021.$$; sleep 6021.$$"
check_gone "--grace: not taken" 6021

done_testing
