#!/bin/sh
# A person at a terminal: a shell in tmux, the real programs, a scripted model.
. "${0%/*}/lib.sh"

command -v tmux >/dev/null || skip_all 'no tmux'
command -v bash >/dev/null || skip_all 'no bash'

cat >"$WORK/script" <<'E2'
{"match":{"role":"user","contains":"slowly"},"times":"always","synthesise":{"tokens":3000,"rate":40}}
{"match":{"role":"user","contains":"silently"},"times":"always","delay_ms":60000,"content":"late"}
{"match":{"role":"user","contains":"one call"},"times":"always","content":"I look.","tool_calls":[{"name":"bash","arguments":{"command":"echo one; echo two >>ran"}}]}
{"match":{"role":"user","contains":"three calls"},"times":"always","content":"Three things:","tool_calls":[{"name":"bash","arguments":{"command":"echo first"}},{"name":"write_file","arguments":{"path":"new","content":"one\ntwo\n"}},{"name":"bash","arguments":{"command":"false;\necho $((40 + 2)); exit 3"}}]}
{"match":{"role":"user","contains":"long call"},"times":"always","delay_ms":500,"tool_calls":[{"name":"bash","arguments":{"command":"echo begun; sleep 60"}}]}
{"match":{"role":"user","contains":"in a row"},"times":1,"tool_calls":[{"name":"bash","arguments":{"command":"echo row $((1 + 1))"}}]}
{"match":{"role":"tool","contains":"row 2"},"times":1,"content":"Next.","tool_calls":[{"name":"bash","arguments":{"command":"echo row $((1 + 2))"}}]}
{"match":{"role":"tool"},"times":"always","content":"That was **all**."}
{"match":{"role":"user"},"times":"always","content":"Hello."}
E2
start_mock --script "$WORK/script"

TERM=xterm-256color
export TERM
sessions=0
tmux() { command tmux -S "$WORK/tmux.$sessions" -f /dev/null "$@"; }
# shell [COLUMNS [ROWS]]: an interactive shell in a terminal of its own
shell() {
	tmux kill-server 2>/dev/null
	# A server of its own each time: one that is just ending would refuse the next session.
	sessions=$((sessions + 1))
	tmux new-session -d -x "${1:-80}" -y "${2:-24}" "env PS1='READY> ' bash --norc --noprofile"
	tmux set-option -g history-limit 5000
	wait_for 20 shows '^READY>'
}
press() { tmux send-keys "$@"; }
line() { tmux send-keys -l "$1" && tmux send-keys Enter; }
shown() { tmux capture-pane -p -S - | sed 's/ *$//' | awk '
	/./ { for (; blank > 0; blank--) print ""; print; next } { blank++ }'; }
shows() { shown | grep -q -e "$1"; }
last_is() { shown | tail -n 1 | grep -q -e "$1"; }
seen() { # seen TITLE PATTERN
	if wait_for 20 shows "$2"; then report ok "$1"; else
		report not-ok "$1"
		diagnose "$(shown)"
	fi
}
# asked TITLE [CALLS]: the question stands, and nothing below it. Behind an answer that leaves some
# calls open the words of the next question are needed: the screen may still show the one before.
asked() {
	if wait_for 20 last_is "^Allow ${2:-.*}.*for help\]\$"; then report ok "$1"; else
		report not-ok "$1"
		diagnose "$(shown)"
	fi
}
back() { wait_for 20 last_is '^READY>$'; }
# ended TITLE CODE: the shell is back, with this exit code, and the terminal as it was
ended() {
	back
	line 'echo "code=$? $(stty -a | grep -o "[-]*echo \|[-]*icanon" | tr -d "\n ")"'
	wait_for 20 shows '^code=[0-9]'
	is "$1" "$(shown | grep '^code=') cursor=$(tmux display-message -p '#{cursor_flag}')" \
		"code=$2 icanonecho cursor=1"
}
# Everything but the shell's own lines and the usage, whose numbers are not the point.
screen() {
	shown | grep -v -e '^READY>' -e '^code=' -e ' tokens (.*%)\]$' |
		sed -e 's/ [0-9.]* m\{0,1\}s$/ TIME/' -e '/./,$!d' | cat -s
}
trap 'ended=$?; tmux kill-server 2>/dev/null; (exit "$ended"); finish' EXIT

shell
line "ts-chat one call"
asked 'a call is asked'
press y Enter
ended 'ts-chat in a terminal ends well' 0
is 'the whole screen' "$(screen)" 'I look.

⚙ bash: echo one; echo two >>ran
Allow bash? [y/n/a, or ? for help] y
✓ bash: echo one; echo two >>ran  TIME
  one

That was all.'

shell
line "echo three calls | ts-chat | ts-render"
asked 'several calls, in a pipeline'
press 2 ' ' n , ' ' later Enter
asked 'the rest is asked again' 'these 2 calls'
press y Enter
back
is 'what was asked, answered and done' "$(screen)" 'Three things:

1. ⚙ bash: echo first
2. ⚙ write_file: new
    new file, 8 bytes
    @@ -0,0 +1,2 @@
    +one
    +two
3. ⚙ bash: false; ... (1 more line)
    false;
    echo $((40 + 2)); exit 3
Allow these 3 calls: bash, write_file, bash? [y/n/a, or ? for help] 2 n, later
Allow these 2 calls: bash, bash? [y/n/a, or ? for help] y
✗ write_file: new  denied by the user: later
✓ bash: echo first  TIME
  first
✗ bash: false; ... (1 more line)  exit 3, TIME
  42
  [exit code: 3]

That was all.'
ok 'the denied call did not run' test ! -e new

shell 40 30
line "ts-chat in a row"
asked 'the first question of a row'
press y Enter
wait_for 20 shows '^⚙ bash: echo row .*2))$'
asked 'the second one'
press y Enter
back
is 'no row is lost or overwritten' "$(screen)" '⚙ bash: echo row $((1 + 1))
Allow bash? [y/n/a, or ? for help] y
✓ bash: echo row $((1 + 1))  TIME
  row 2

Next.

⚙ bash: echo row $((1 + 2))
Allow bash? [y/n/a, or ? for help] y
✓ bash: echo row $((1 + 2))  TIME
  row 3

That was all.'

# Answers that are none, and the ways to say no.
for key in C-c C-d; do
	rm -f ran
	shell
	line "ts-chat one call"
	asked "$key: a call is asked"
	press "$key"
	ended "$key at the question ends the turn" 130
	is "$key: and says so once" "$(screen | sed 's/ *\^C$//')" 'I look.

⚙ bash: echo one; echo two >>ran
Allow bash? [y/n/a, or ? for help]
✗ bash: echo one; echo two >>ran  cancelled

(cancelled)'
	ok "$key: the call did not run" test ! -e ran
done

shell
line "ts-chat one call"
press y Enter y y
asked 'what was typed before the question does not answer it'
press n Enter
back
is 'no is said once' "$(screen | sed -n '/^Allow/,$p')" 'Allow bash? [y/n/a, or ? for help] n
✗ bash: echo one; echo two >>ran  denied by the user

That was all.'

# Stopped at the question, and woken.
shell
line "ts-chat one call"
asked 'before Ctrl-Z'
press C-z
back
line 'echo meanwhile'
wait_for 20 shows '^meanwhile'
line fg
asked 'after fg it is asked again'
press y Enter
back
ok 'and the answer counts' test -s ran

# Stopped in the middle of an answer.
shell
line "ts-chat slowly"
seen 'an answer streams' 'lazy'
press C-z
seen 'Ctrl-Z stops it' 'Stopped'
back
tmux clear-history
line 'clear; fg'
seen 'fg goes on with it' 'lazy'
press C-c
ended 'Ctrl-C ends the answer' 130
unlike 'without its echo in the text' "$(screen)" '\^C'
is 'nothing is left of a spinner' "$(screen | grep -c '[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]')" 0

shell
line "ts-chat silently"
seen 'a spinner' 'thinking'
press C-c
ended 'Ctrl-C while nothing has come' 130
is 'leaves nothing but the word' "$(screen | sed 's/^\^C//' | sed '/./,$!d')" '(cancelled)'

# The spinner, then the question; the call runs, then Ctrl-C.
shell
line "ts-chat long call"
seen 'thinking' 'thinking'
asked 'the question takes the place of the spinner'
is 'without a trace of it' "$(screen)" '⚙ bash: echo begun; sleep 60
Allow bash? [y/n/a, or ? for help]'
press y Enter
seen 'its output shows' '^  begun'
press C-c
ended 'Ctrl-C ends a running tool' 130
is 'its rows have become one' "$(screen | grep -c 'bash: echo begun')" 2

# A window that changes while text streams.
shell 60 12
line "ts-chat slowly"
seen 'text streams' '^lazy dog'
tmux resize-window -x 20 -y 12
tmux resize-window -x 70 -y 14
seen 'it goes on' 'smalthe'
press C-c
ended 'and ends' 130

# Nobody is asked about a background job, and nothing stops it.
shell
line "ts-chat one call &"
seen 'a background job ends by itself' 'Exit 5\|tool call was denied because'
seen 'the reason is shown whole' 'what you would need'
press Enter
seen 'and is not stopped' 'Exit 5'

# stdout in a file: the terminal is still asked.
rm -f ran
shell
line "ts-chat one call >events"
asked 'stdout is a file, the terminal is asked'
press y Enter
ended 'it ends' 0
ok 'and it ran' test -s ran

# Other terminals.
shell 20 30
line "ts-chat one call"
wait_for 20 shows 'help\]'
press y Enter
back
like '20 columns: nothing is lost' "$(screen | tr -d ' \n')" \
	'Ilook\.⚙bash:echoone;echotwo>>ranAllowbash\?\[y/n/a,or\?forhelp]y✓bash:echoone;echotwo>>ran[0-9.]*(TIME|m?s)oneThatwasall\.'
shell
line "TERM=dumb ts-chat one call"
asked 'a dumb terminal is asked'
press y Enter
ended 'and gets the answer' 0
is 'without layout' "$(screen | tail -n 1)" 'That was **all**.'
shell
line "ts-chat | ts-render"
seen 'the prompt comes from the terminal' 'end it with Ctrl-D'
line 'hi'
press C-d
seen 'Ctrl-D ends it' '^Hello\.$'
done_testing
