#!/bin/sh
# ts-render on a terminal: text as it arrives, tools while they run, and nothing left behind.
. "${0%/*}/lib.sh"

command -v tmux >/dev/null || skip_all 'no tmux'
command -v script >/dev/null || skip_all 'no script'

TERM=xterm-256color
export TERM
sessions=0
tmux() { command tmux -S "$WORK/tmux.$sessions" -f /dev/null "$@"; }

# terminal COLUMNS ROWS [options]: ts-render in a terminal, fed through descriptor 9.
terminal() {
	columns=$1
	rows=$2
	shift 2
	rm -f feed code
	mkfifo feed
	# A server of its own each time: one that is just ending would refuse the next session.
	sessions=$((sessions + 1))
	tmux new-session -d -x "$columns" -y "$rows" \
		"ts-render $* <feed 2>complaints; echo \$? >code; sleep 60"
	tmux set-option -g history-limit 5000
	exec 9<>feed
}
feed() { printf '%s\n' "$@" >&9; }
say() { feed "{\"type\":\"content\",\"id\":\"$1\",\"text\":\"$2\"}"; }
shown() { tmux capture-pane -p -S - | sed 's/ *$//' | awk '
	/./ { for (; blank > 0; blank--) print ""; print; next } { blank++ }'; }
shows() { shown | grep -q -e "$1"; }
shows_not() { ! shown | grep -q -e "$1"; }
seen() { # seen TITLE PATTERN
	if wait_for 5 shows "$2"; then report ok "$1"; else
		report not-ok "$1"
		diagnose "$(shown)"
	fi
}
gone() {
	if wait_for 5 shows_not "$2"; then report ok "$1"; else
		report not-ok "$1"
		diagnose "$(shown)"
	fi
}
leave() {
	exec 9>&-
	wait_for 5 test -s code
	last=$(shown)
	tmux kill-server
}
trap 'ended=$?; tmux kill-server 2>/dev/null; (exit "$ended"); finish' EXIT
thinking='{"type":"state_change","state":"thinking"}'
result='{"type":"result","status":"ok","exit_code":0}'

terminal 50 12
feed "$thinking"
seen 'a spinner while the model thinks' '[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] thinking…'
say a 'unfinished'
seen 'text is shown before its line ends' '^unfinished$'
say a ' **line** and `co'
say a 'de` end\n\n| a | b |\n|---|--'
say a '-|\n| long | x |\n'
seen 'a table is laid out' '^long │ x$'
say a '\n- item\n'
feed '{"type":"stream_end","id":"a"}' '{"type":"tool_info","items":[{"call_id":"1","header":"⚙ bash: make"}]}' \
	'{"type":"tool_output_chunk","call_id":"1","chunk":"one\n"}' \
	'{"type":"tool_output_chunk","call_id":"1","chunk":"two\u001b[2J\n"}'
seen 'the output of a running call' '^  two␛\[2J$'
seen 'under its header' '^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] bash: make'
feed '{"type":"tool_result","call_id":"1","name":"bash","status":"error","output":"two","exit_code":2,"duration_ms":5}'
seen 'how it ended' '^✗ bash: make  exit 2, 5 ms$'
feed '{"type":"approval_request","request_id":"r","items":[{"call_id":"2","header":"⚙ bash: rm"}]}'
gone 'nothing moves while a person is asked' '[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]'
feed '{"type":"approval_resolved","request_id":"r","decisions":[{"call_id":"2","decision":"allow"}]}'
seen 'and goes on afterwards' '^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] bash: rm'
feed '{"type":"tool_result","call_id":"2","name":"bash","status":"ok","output":"","duration_ms":1200}'
say b 'wrong'
seen 'the text of an attempt' '^wrong$'
feed '{"type":"discard","id":"b"}'
gone 'is taken back when the attempt fails' 'wrong'
say b 'done'
feed '{"type":"status","total_tokens":1234,"context_window":4096,"pct":30}' \
	'{"type":"turn_complete","status":"ok"}' "$result"
leave
is 'nothing is left behind' "$last" 'unfinished line and code end

a    │ b
─────┼──
long │ x

• item

✗ bash: make  exit 2, 5 ms
  two
✓ bash: rm  1.2 s

done

[1,234 / 4,096 tokens (30%)]'
is 'the exit code is the result'"'"'s' "$(cat code)" 0
is 'and nobody complains' "$(cat complaints)" ''

# A block taller than the screen, text of one line taller than it, and a window that shrinks.
terminal 40 8
say a '```c\n'
for number in $(seq 1 30); do say a "line $number\\n"; done
seen 'tall code arrives' '^line 30$'
say a '```\n\n'
for number in $(seq 1 100); do say a "word$number "; done
seen 'a tall paragraph arrives' 'word100'
say a '\n\nA paragraph that is as wide as the window now is, or wider'
seen 'a paragraph arrives' 'or wider'
tmux resize-window -x 24 -y 8
say a ' and its end.'
feed '{"type":"stream_end","id":"a"}' '{"type":"turn_complete","status":"ok"}' "$result"
leave
is 'every line of code is there once' "$(printf '%s\n' "$last" | grep -c '^line [0-9]*$')" 30
is 'every word is there once, in order' \
	"$(printf '%s\n' "$last" | sed -n '/^word/,/^A para/p' | grep -v '^A para' | tr -d ' \n')" "$(seq 1 100 | sed 's/^/word/' | tr -d '\n')"
is 'a smaller window loses and repeats nothing' \
	"$(printf '%s\n' "$last" | sed -n '/^A para/,$p' | tr -d ' \n')" \
	'Aparagraphthatisaswideasthewindownowis,orwideranditsend.'

# Endings.
terminal 50 10
feed "$thinking"
say a 'half an answer'
seen 'an answer begins' 'half'
leave
is 'input that ends in the middle is a failure' "$(cat code)" 1
is 'the text stays, and nothing else' "$last" 'half an answer'
like 'it is said' "$(cat complaints)" 'without a result line'

terminal 50 10
feed "$thinking"
seen 'it thinks' 'thinking'
kill -TERM "$(pgrep -f "^ts-render" -t "$(tmux display-message -p '#{pane_tty}' | sed 's|/dev/||')" | head -n 1)"
wait_for 5 test -s code
is 'SIGTERM ends it' "$(cat code)" 143
gone 'and takes the spinner away' 'thinking'
leave

# What is written, byte by byte.
feed_file() {
	printf '%s\n' "$thinking" '{"type":"content","id":"a","text":"**bold**"}' \
		'{"type":"turn_complete","status":"ok"}' "$result" >events
}
feed_file
on_terminal() { # on_terminal COMMAND: what the command writes to a terminal
	SHELL=/bin/sh script -qec "$1" /dev/null </dev/null | tr -d '\r'
}
escape=$(printf '\033')
like 'styled' "$(on_terminal 'ts-render <events')" "${escape}\[0;1mbold"
unlike 'NO_COLOR: no styles' "$(NO_COLOR=1 on_terminal 'ts-render <events')" "${escape}\[[0-9;]*m"
like 'NO_COLOR empty: styles' "$(NO_COLOR='' on_terminal 'ts-render <events')" "${escape}\[0;1mbold"
unlike '--color=never: no styles' "$(on_terminal 'ts-render --color=never <events')" "${escape}\[[0-9;]*m"
unlike 'a dumb terminal: no escapes' "$(TERM=dumb on_terminal 'ts-render <events')" "$escape"
like 'a dumb terminal: the text' "$(TERM=dumb on_terminal 'ts-render <events')" '\*\*bold\*\*'
unlike 'stdout no terminal: no escapes on it' \
	"$(on_terminal 'ts-render <events >out; cat out')" "$escape"
is 'stderr no terminal: no escapes on it' \
	"$(on_terminal '(sleep 0.5; cat events) | ts-render 2>err >out; cat err')" ''
is '--color=always off a terminal: styles, and no other escapes' \
	"$(ts-render --color=always <events)" "${escape}[0;1mbold${escape}[0m"
done_testing
