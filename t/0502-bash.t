#!/bin/sh
# The tool bash: one script, one stream, the directory that is kept.
. "${0%/*}/lib.sh"

mode=auto
ts-jail --explain >/dev/null 2>&1 || mode=off
tool=$BUILD/libexec/turnstone/tools/bash
prepare() { jq -cn --arg c "$1" '{command: $c}' | "$tool" prepare; }
calls() { # calls COMMAND...: their results
	jq -cn '{type: "decided", batch_id: "b", items: [$ARGS.positional | to_entries[] | {call_id: "\(.key)",
		func_name: "bash", arguments: {command: .value}, decision: "allow"}]}' --args "$@" |
		timeout -s KILL 60 ts-tool-exec --sandbox $mode | jq -c 'select(.type == "tool_result")'
}
output() { calls "$@" | jq -r .output; }

is "stdout and stderr are one stream" "$(output 'echo a; echo b >&2; echo c; echo d >&2')" "a
b
c
d"
is "nothing printed" "$(output true)" "(no output)"
is "a failure" "$(output 'echo a; exit 3')" "a
[exit code: 3]"
is "a silent failure has no empty line" "$(output 'exit 1')" "[exit code: 1]"
is "a signal" "$(output 'kill -9 $$')" "[killed by signal 9, SIGKILL]
[exit code: 137]"
is "the script's name is neutral" "$(output 'no-such-command')" "bash: line 1: no-such-command: command not found
[exit code: 127]"
is "lines are counted" "$(output 'true
no-such-command' | head -n 1)" "bash: line 2: no-such-command: command not found"
is "standard input is empty" "$(output 'cat; read -r x || echo end')" end
# No pipe: while bash makes one, it has its ends open.
is "arguments and names are not ours" "$(output 'echo "$# $0 ${TS_CALL_ID:-}${TS_STATE_DIR:-}"; ls /proc/$$/fd >fds
	while read -r fd; do printf "%s " "$fd"; done <fds')" \
	"0 bash 
0 1 2 "

mkdir -p one/two
is "the directory is kept from call to call" "$(output 'cd one/two' 'pwd' 'cd ..; exit 2' 'pwd')" \
	"[the directory is now $WORK/project/one/two]
$WORK/project/one/two
[the directory is now $WORK/project/one]
[exit code: 2]
$WORK/project/one"
is "one that is gone is not" "$(output 'mkdir x; cd x; rmdir ../x' pwd | tail -n 1)" "$WORK/project"
is "a script may have its own trap" "$(output 'trap "echo bye" EXIT; cd one')" bye

is "what it starts is ended with it" "$(output 'setsid sleep 6100 & nohup sleep 6100 >/dev/null & echo started' | head -n 1)" started

# Long scripts do not fit into an argument.
head -c 200000 /dev/zero | tr '\0' '#' >long
printf '\necho end; echo "$#"' >>long
is "a script of 200 KB" "$(jq -cn --rawfile c long '{command: $c}' | "$tool" run)" "end
0"

# Quotes.
is "typographic quotes are data" "$(output 'echo “it’s”')" "“it’s”"
is "unless bash cannot parse them" "$(output "echo “it's”")" "it's
[typographic quotes were replaced by straight ones]"
is "what is shown is what runs" "$(prepare "echo “it's”" | jq -r .preview)" "echo \"it's\""
like "and it is said" "$(prepare "echo “it's”" | jq -r .warning)" 'quotes were replaced'
is "inside straight quotes they stay, and so does a wrong script" "$(output "echo 'it’s'; echo \"a\" 'b")" \
	"bash: eval: line 1: unexpected EOF while looking for matching \`''
[exit code: 2]"
like "a syntax error is shown before" "$(prepare 'if true' | jq -r .warning)" 'syntax error'

# The guard against typing errors; unit tests have the list.
like "rm -rf / is refused" "$(prepare 'ls; rm  -fr / ' | jq -r .error)" '^refused: '
is "so at run" "$(calls 'rm -rf /' | jq -r .status)" error
is "rm -rf /tmp/x is not" "$(calls 'rm -rf /tmp/no-such-file' 'echo "rm -rf /"' | jq -r .status)" "ok
ok"
like "an empty command" "$(prepare ' ' | jq -r .error)" 'empty'

is "header: the first line and how many more" "$(prepare 'ls
pwd
id' | jq -r .header)" "ls ... (2 more lines)"
is "preview: the whole of it" "$(prepare 'ls
pwd' | jq -r .preview)" "ls
pwd"
jq -cn '{command: "pwd", directory: "/"}' | "$tool" run >out
is "directory: where to run" "$(cat out)" /
is "directory: not there" "$(jq -cn '{command: "pwd", directory: "/nowhere"}' | "$tool" run 2>&1)" \
	"bash: enter '/nowhere': No such file or directory"

done_testing
