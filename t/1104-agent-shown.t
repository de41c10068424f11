#!/bin/sh
# ts-render: what an agent does, below the call that started it.
. "${0%/*}/lib.sh"

cat >lines <<'E2'
{"type":"session","session_id":"000000000001","model":"m"}
{"type":"tool_info","batch_id":"b","items":[{"call_id":"a","func_name":"task","header":"⚙ task: tidy up","preview":"tidy up","needs_approval":true,"error":null}]}
{"type":"tool_info","batch_id":"n","parent_call_id":"a","items":[{"call_id":"s.a","func_name":"bash","header":"⚙ bash: make","preview":"make","needs_approval":true,"error":null}]}
{"type":"tool_output_chunk","call_id":"s.a","parent_call_id":"a","chunk":"compiling\n"}
{"type":"tool_result","call_id":"s.a","parent_call_id":"a","name":"bash","status":"ok","output":"one\ntwo\nthree\nfour\n","duration_ms":1000}
{"type":"usage","parent_call_id":"a","calls":1,"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}
{"type":"info","parent_call_id":"a","message":"the agent says something"}
{"type":"tool_result","call_id":"a","name":"task","status":"ok","output":"the report","duration_ms":2000}
{"type":"content","id":"m2","text":"All is tidy.\n"}
{"type":"turn_complete","status":"ok"}
E2
is "off a terminal: the answer alone" "$(ts-render <lines 2>/dev/null)" "All is tidy."
ts-render --all <lines >all 2>/dev/null
is "with --all: the call, and not what its agent did" "$(grep -cE 'make|compiling|agent says' all)" 0
like "its report" "$(cat all)" 'the report'
like "and the answer" "$(cat all)" 'All is tidy'

command -v tmux >/dev/null || {
	skip "on a terminal" "no tmux"
	done_testing
}
TERM=xterm-256color
export TERM
mkfifo feed
tmux() { command tmux -S "$WORK/tmux" -f /dev/null "$@"; }
tmux new-session -d -x 60 -y 24 "ts-render <feed; sleep 60"
exec 9<>feed
shown() { tmux capture-pane -p -S - | sed 's/ *$//'; }
shows() { shown | grep -q -e "$1"; }
sed -n 1,4p lines >&9
ok "a running call of an agent stands below its agent's" wait_for 10 shows '^  . bash: make'
ok "with its output below that" shows '^    compiling'
sed -n 5,7p lines >&9
ok "a finished one too" wait_for 10 shows '^  ✓ bash: make  1'
is "under a heading" "$(shown | grep -B1 '✓ bash' | sed -n 's/^.* task/task/p')" "task: tidy up"
ok "of its output the last lines" shows '^    four'
ok "not the first" sh -c '! printf %s "$1" | grep -q "^    one"' sh "$(shown)"
sed -n '8,$p' lines >&9
ok "then the agent's own call" wait_for 10 shows '^✓ task: tidy up'
ok "and the answer" wait_for 10 shows '^All is tidy'
exec 9>&-
tmux kill-server
done_testing
