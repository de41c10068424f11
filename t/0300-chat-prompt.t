#!/bin/sh
# ts-chat: where the prompt comes from, and what one turn prints.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"contains":"later"},"content":"x","delay_ms":500}
{"times":"always","content":"Hello *there*.","usage":{"prompt_tokens":10,"completion_tokens":3}}
E2
start_mock --script script --model mock-1 --context-window 4096 --log requests
sent() { jq -rs '[.[] | select(.type=="request" and (.path|test("completions")))][-1].body.messages[-1].content' requests; }
types() { jq -r .type | uniq | tr '\n' ' '; }

ts-chat --no-stdin say hello >events
is "exit code of a plain answer" "$?" 0
is "the events of a plain turn" "$(types <events)" \
	"session state_change content stream_end status state_change turn_complete result "
is "the session names the model and its window" \
	"$(jq -r 'select(.type=="session")|[.model,.context_window]|@csv' events)" '"mock-1",4096'
is "the text arrives whole" "$(jq -j 'select(.type=="content").text' events)" "Hello *there*."
is "the result repeats it, with the usage" \
	"$(jq -c 'select(.type=="result")|[.status,.exit_code,.text,.usage.total_tokens,.turns]' events)" \
	'["ok",0,"Hello *there*.",13,1]'
is "status tells how full the window is" \
	"$(jq -c 'select(.type=="status")|[.prompt_tokens,.completion_tokens,.pct]' events)" '[10,3,0.3]'
is "every event of the turn has its correlation id" \
	"$(jq -r 'select(.type!="session" and .type!="result").correlation_id' events | sort -u | wc -l)" 1
like "surroundings come before the first prompt" "$(sent)" '^\[directory .*; date [0-9-]+; Linux'
is "then the words of the command line" "$(sent | tail -n 1)" "say hello"

echo 'from stdin' | ts-chat >/dev/null
is "stdin is the prompt" "$(sent | tail -n 1)" "from stdin"
printf 'line 1\nline 2\n' | ts-chat explain this >/dev/null
is "words, an empty line, stdin" "$(sent | tail -n 4)" "explain this

line 1
line 2"
echo 'waited for' | ts-chat both - >/dev/null
is "a last - waits for stdin" "$(sent | tail -n 1)" "waited for"
printf 'caf\351 \000 end' | ts-chat >/dev/null
is "bytes that are no text are replaced" "$(sent | tail -n 1)" "caf� � end"

mkfifo silent
exec 3<>silent
start=$(date +%s)
ts-chat hello <silent >/dev/null 2>errors
is "a silent stdin beside words: exit code" "$?" 0
ok "and it did not hang" test $(($(date +%s) - start)) -lt 10
like "and says so" "$(cat errors)" '^ts-chat: stdin stays silent'
exec 3>&-

must_fail 2 "no prompt at all" ts-chat </dev/null
must_fail 2 "a prompt of white space" sh -c 'printf " \n\n" | ts-chat'
must_fail 2 "--ndjson takes no words" ts-chat --ndjson hello
must_fail 2 "--no-stdin needs words" ts-chat --no-stdin
must_fail 2 "an unknown tool" ts-chat --tools nosuch --no-stdin hi
ts-chat hello <&- >/dev/null
is "a closed stdin beside words" "$?" 0
must_fail 2 "a closed stdin alone" sh -c 'ts-chat <&-'

ts-chat --tools none --no-stdin hi >/dev/null
is "--tools none sends no tools" \
	"$(jq -s '[.[]|select(.type=="request" and (.path|test("completions")))][-1].body|has("tools")' requests)" false
ts-chat --no-stdin hi >/dev/null
is "only what was set is sent" \
	"$(jq -cs '[.[]|select(.type=="request" and (.path|test("completions")))][-1].body|keys' requests)" \
	'["messages","model","stream","stream_options","tools"]'
ok "the default request is at most 6 KB" test "$(jq -s '[.[]|select(.type=="request" and (.path|test("completions")))][-1].body_bytes' requests)" -le 6144
offered() { jq -rs '[.[]|select(.type=="request" and (.path|test("completions")))][-1].body.tools|map(.function.name)|join(" ")' requests; }
is "all tools but a search without an engine are offered" "$(offered)" \
	"bash edit_file forget man math plan read_file recall remember search task web_fetch write_file"
TURNSTONE_SEARCH_COMMAND=true ts-chat --no-stdin hi >/dev/null
is "with one, all fourteen" "$(offered)" \
	"bash edit_file forget man math plan read_file recall remember search task web_fetch web_search write_file"

is "a model that is named: its window is learnt meanwhile" "$(ts-chat --model mock-1 --no-stdin later |
	jq -r 'select(.type=="status").context_window')" 4096

echo 'Speak Latin.' >AGENTS.md
ts-chat --no-stdin hi >events
like "AGENTS.md goes in front of the first prompt" "$(sent)" '^Speak Latin\.$'
like "and the person is told" "$(jq -r 'select(.type=="info").message' events)" 'AGENTS.md'
ts-chat --no-project-instructions --no-stdin hi >/dev/null
unlike "it can be left out" "$(sent)" 'Latin'
rm AGENTS.md

ts-chat --no-stdin hi >/dev/full 2>errors
is "a full disk: exit code" "$?" 111
like "a full disk: the message" "$(cat errors)" '^ts-chat: write to stdout: No space left'
must_fail 111 "a closed stdout" sh -c 'ts-chat --no-stdin hi >&-'
ok "nothing is left in the runtime directory" sh -c '! ls "$XDG_RUNTIME_DIR"/turnstone 2>/dev/null | grep -v "^jail$"'
done_testing
