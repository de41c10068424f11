#!/bin/sh
# ts-chat: what is stored of a run beside its messages, and a store that fails, or holds nonsense.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"role":"user","contains":"long"},"synthesise":{"tokens":200000,"token_size":8}}
{"match":{"role":"user","contains":"look"},"tool_calls":[{"name":"read_file","id":"r","arguments":{"path":"notes"}}],"usage":{"prompt_tokens":100,"completion_tokens":10}}
{"match":{"role":"tool"},"content":"seen","usage":{"prompt_tokens":200,"completion_tokens":20}}
{"times":"always","content":"fine","usage":false}
E2
echo 'a note' >notes
start_mock --script script --log requests
database=$XDG_DATA_HOME/turnstone/turnstone.db
asked() { jq -c 'select(.type=="request" and (.path|test("completions"))).body' requests | wc -l; }
field() { jq -r "select(.type==\"$2\").$3" "$1"; }
sql() { sqlite3 "$database" "$1"; }

ts-chat --no-stdin --session-name it look >events
is "E-47: a row for every call of the model" \
	"$(sql 'select session_id = (select session_id from sessions), model, model_alias, prompt_tokens, completion_tokens, total_tokens, purpose from usage')" \
	"1|mock-model|default|100|10|110|turn
1|mock-model|default|200|20|220|turn"
ts-chat --no-stdin --resume it hello >events
is "none is made up for one that told no cost" "$(sql 'select count(*) from usage')" 2
is "a result is stored with the tool's name" "$(sql "select tool_name from conversations where role = 'tool'")" read_file
is "turns are counted over processes" "$(sql 'select group_concat(turn) from (select turn from conversations order by id)')" \
	"1,1,1,1,1,2,2"
is "the database is whole" "$(sql 'pragma integrity_check')" ok

# A disk that is full in the middle of a turn: files may not grow beyond a MiB.
(
	ulimit -f 2048
	ts-chat --no-stdin --resume it a long one 2>errors
	echo "$?" >code
) | cat >events
is "E-13: a store that fails ends the run" "$(cat code)" 111
like "which is said, with the way out" "$(cat errors)" "turnstone.db.*--no-save"
is "readers of the events are told" "$(field events result exit_code)" 111
is "and have the whole text" \
	"$(field events content text | tr -d '\n' | wc -c)" "$(field events result text | tr -d '\n' | wc -c)"
ok "which is long" test "$(field events result text | wc -c)" -gt 1000000
is "that turn was not told to be complete" "$(field events turn_complete status)" ""
ts-chat --no-stdin --resume it and now >events
is "what was stored before is there" "$? $(field events result text)" "0 fine"
is "and nothing that was told is missing" \
	"$(jq -c 'select(.type=="request" and (.path|test("completions"))).body.messages|map(.role)' requests | tail -n 1)" \
	'["system","user","assistant","tool","assistant","user","assistant","user","assistant","user"]'

# A database that somebody else is writing to is waited for.
mkfifo statements
exec 3<>statements
background sqlite3 "$database" <statements
printf '.timeout 5000\nbegin immediate;\n.shell touch locked\n' >&3
wait_for 10 test -e locked
background ts-chat --no-stdin --resume it hello >events
sleep 0.3
is "while another program writes, nothing is told that is not stored" "$(field events content text)" ""
printf 'commit;\n.quit\n' >&3
exec 3>&-
wait "$pid"
is "a locked database is waited for" "$? $(field events result text)" "0 fine"

# Nonsense in the store.
set_value() { sql "update session_config set value = '$1' where key = 'settings'"; }
ts-chat --no-stdin --session-name odd --temperature 0.5 hello >events
set_value '{"model.temperature":"warm","no.such_key":"1","model.max_tokens":"700","tools.skip_permissions":"true","store.path":"/nowhere","x":[1]}'
ts-chat --no-stdin --resume odd hello >events 2>errors
is "E-77: settings that are not valid do not stop a session" "$?" 0
like "the one that is wrong is named" "$(cat errors)" 'model.temperature.*warm'
is "the others are taken" "$(jq -c 'select(.type=="request" and (.path|test("completions"))).body.max_completion_tokens' requests | tail -n 1)" 700
is "permissions are never taken from the store" "$(field events session skip_permissions)" false
set_value '[1]'
ok "settings of another form are left alone" ts-chat --no-stdin --resume odd hello
sql "update conversations set message = '{\"role\":\"assistant\"}' where id = (select max(id) from conversations)"
before=$(asked)
ts-chat --no-stdin --resume odd hello >events
is "a damaged message does not stop a session" "$? $(asked)" "0 $((before + 1))"
like "and is told" "$(field events info message)" '1 stored messages fit nowhere'
head -c 20000 /dev/urandom >"$WORK/torn"
must_fail 111 "a file that is no database is refused" ts-chat --no-stdin --db "$WORK/torn" hello
is "before anything is asked" "$(asked)" "$((before + 1))"
done_testing
