#!/bin/sh
# ts-chat: a conversation is stored as it happens, found again, and gone on with byte for byte.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"role":"user","contains":"look"},"reasoning":"hm","content":"Let me see: \"ü\" 1.50","tool_calls":[{"name":"read_file","id":"r","arguments":{"path":"notes"}},{"name":"read_file","id":"s","arguments":{"path":"none"}}]}
{"match":{"role":"tool"},"content":"seen"}
{"times":"always","content":"fine"}
E2
echo 'a note' >notes
start_mock --script script --log requests
database=$XDG_DATA_HOME/turnstone/turnstone.db
# The messages of a request, counted from the last one, as bytes.
messages() { jq -c 'select(.type=="request" and (.path|test("completions"))).body.messages' requests | tail -n "$1" | head -n 1; }
session() { jq -r 'select(.type=="session").session_id' "$1"; }

ts-chat --version >/dev/null
ok "E-2: a program that says nothing stores nothing" test ! -e "$database"
ts-chat --no-stdin look >first
is "a conversation" "$?" 0
first=$(session first)
is "the database is readable by nobody else" "$(stat -c '%a' "$database")" 600
before=$(messages 1)
is "its last request has all results" "$(printf '%s' "$before" | jq -c 'map(.role)')" \
	'["system","user","assistant","tool","tool"]'

# Text that is in the system text now was not there then.
ts-chat --no-stdin --resume "$first" --instructions 'Speak French.' go on >second 2>errors
is "gone on with by its id" "$? $(session second)" "0 $first"
is "the session line says so" "$(jq -c 'select(.type=="session")|[.resumed,.messages]' second)" '[true,6]'
after=$(messages 1)
is "a request begins with the bytes of the one before, also over a resume" \
	"$(printf '%s' "$after" | cut -c "1-$((${#before} - 1))")" "${before%]}"
is "behind them come the answer and the prompt" \
	"$(printf '%s' "$after" | jq -c '.[5:]')" '[{"role":"assistant","content":"seen"},{"role":"user","content":"go on"}]'
printf '%s\n' '{"type":"send","message":"one"}' '{"type":"send","message":"two"}' |
	ts-chat --ndjson --resume "$(printf %.4s "$first")" >third
is "by four digits, with --ndjson" "$(session third)" "$first"
is "both turns follow" "$(messages 1 | jq -c 'map(select(.role=="user").content)[1:]')" '["go on","one","two"]'
is "which stand on the same bytes" "$(messages 1 | cut -c "1-$((${#after} - 1))")" "${after%]}"

ts-chat --no-stdin --session-name port.1 'which port?' >named
is "a conversation with a name" "$?" 0
ts-chat --no-stdin --resume port.1 why >again
is "is found by it" "$(session again)" "$(session named)"
must_fail 1 "a name that another has" ts-chat --no-stdin --session-name port.1 hello
like "is told at once" "$(cat "$WORK/.fail-output")" "port.1"
unlike "and nothing is asked" "$(cat "$WORK/.fail-output")" '"type":"content"'
must_fail 1 "a name that could be an id" ts-chat --no-stdin --session-name abcd hello
ts-chat --no-stdin --resume port.1 --session-name quay hello >/dev/null
ts-chat --no-stdin --resume quay hello >again
is "another name" "$(session again)" "$(session named)"

must_fail 1 "an unknown session" ts-chat --no-stdin --resume nosuch hello
like "is named" "$(cat "$WORK/.fail-output")" "nosuch"
must_fail 1 "three digits are too few" ts-chat --no-stdin --resume "$(printf %.3s "$first")" hello
must_fail 2 "no prompt and nothing that waits" ts-chat --resume quay </dev/null
like "is said" "$(cat "$WORK/.fail-output")" 'no call of this session waits'
must_fail 2 "the same with --no-stdin" ts-chat --resume quay --no-stdin
must_fail 2 "--continue with --resume" ts-chat --no-stdin -c --resume quay hello
must_fail 2 "--resume with --no-save" ts-chat --no-stdin --resume quay --no-save hello
must_fail 2 "--session-name with --no-save" ts-chat --no-stdin --session-name x --no-save hello

# The last conversation is one of this directory.
mkdir -p elsewhere
(cd elsewhere && ts-chat --no-stdin over here) >there
ts-chat --no-stdin --continue hello >again 2>errors
is "--continue: the last one of this directory" "$(session again)" "$(session named)"
like "it says which" "$(jq -r 'select(.type=="info").message' again)" "going on with session $(session named) \(quay\)"
is "-c in another" "$(cd elsewhere && ts-chat --no-stdin -c hello | jq -r 'select(.type=="session").session_id')" "$(session there)"
mkdir -p new
must_fail 1 "--continue where nothing was said" sh -c 'cd new && ts-chat --no-stdin -c hello'
ts-chat --no-stdin --resume "$(session there)" hello >again
like "a session of another directory: said" "$(jq -r 'select(.type=="info").message' again)" "began in .*/elsewhere"

# One owner.
mkfifo in
ts-chat --ndjson --resume quay <in >holder &
holder=$!
background_pids="$background_pids $holder"
exec 3>in
ok "a process has the session" wait_for 10 grep -q '"type":"session"' holder
must_fail 1 "E-76: a second one is refused" ts-chat --no-stdin --resume quay hello
like "and told whose it is" "$(cat "$WORK/.fail-output")" "process $holder"
exec 3>&-
wait "$holder"
ts-chat --no-stdin --resume quay hello >again
is "when it has ended the session is free" "$?" 0

# What a session was told about the model holds.
mkdir -p "$XDG_CONFIG_HOME/turnstone"
config=$XDG_CONFIG_HOME/turnstone/config.toml
printf '%s\n' '[model]' 'default = "big"' '[models.big]' 'model = "big-1"' \
	'[models.small]' 'model = "small-1"' >"$config"
asked_for() { jq -r 'select(.type=="request" and (.path|test("completions"))).body|[.model,.temperature,(.tools|length)]|@csv' requests | tail -n 1; }
ts-chat --no-stdin --model small --temperature 0.5 --tools read_file --session-name kept hello >named
ts-chat --no-stdin --resume kept hello >again
is "E-74, C-40: model, temperature and tools come back" "$(asked_for)" '"small-1",0.5,1'
is "and are shown" "$(jq -r 'select(.type=="session").model_alias' again)" small
ts-chat --no-stdin --resume kept --model big --temperature 0 hello >again
is "a flag wins" "$(asked_for)" '"big-1",0,1'
ts-chat --no-stdin --resume kept hello >again
is "and is kept from then on" "$(asked_for)" '"big-1",0,1'
ts-chat --no-stdin --session-name unset hello >named
sed -i 's/^default.*/default = "small"/' "$config"
ts-chat --no-stdin --resume unset hello >again
is "the configuration's default is not the session's model" "$(asked_for | cut -d, -f1)" '"big-1"'
printf '%s\n' '[model]' 'default = "small"' '[models.small]' 'model = "small-1"' >"$config"
ts-chat --no-stdin --resume unset hello >again 2>errors
is "a model that is gone: another one" "$? $(asked_for | cut -d, -f1)" '0 "small-1"'
like "and a warning" "$(cat errors)" "model 'big' is not configured any more"
rm "$config"

# Nothing is kept, but for the account of the calls that ran.
count() { find "$XDG_DATA_HOME" -name 'turnstone.db*' | wc -l; }
rm -rf "$XDG_DATA_HOME"
ts-chat --no-stdin --no-save look >again
is "--no-save: an answer" "$? $(jq -r 'select(.type=="result").text' again)" "0 seen"
is "and no database" "$(count 2>/dev/null)" 0
TS_NO_STORE=1 ts-chat --no-stdin look >again
is "TS_NO_STORE says the same" "$? $(count 2>/dev/null)" "0 0"
echo 'no database' >other
must_fail 111 "a store that cannot be opened" ts-chat --no-stdin --db other hello
like "is named, with the way out" "$(cat "$WORK/.fail-output")" "other.*--no-save"
must_fail 111 "a directory that cannot be made" ts-chat --no-stdin --db /proc/no/where.db hello
asked=$(jq -s 'map(select(.type=="request" and (.path|test("completions"))))|length' requests)
ts-chat --no-stdin --db "$WORK/own/my.db" hello >/dev/null
ok "--db: another file" test -s "$WORK/own/my.db"
is "a request for that one alone" \
	"$(jq -s 'map(select(.type=="request" and (.path|test("completions"))))|length' requests)" "$((asked + 1))"
done_testing
