#!/bin/sh
# shellcheck disable=SC2154 # $pid comes from lib.sh
# Sessions that find the world changed: their tools gone, their owner alive or killed; and requests
# whose answer was stored by a process that died before it told anybody.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"role":"user","contains":"ask"},"tool_calls":[{"name":"bash","arguments":{"command":"echo x >>ran"}}]}
{"times":"always","content":"fine"}
E2
start_mock --script script --log requests
field() { jq -r "select(.type==\"$2\").$3" "$1"; }
tools() { jq -r 'select(.type=="request" and (.path|test("completions"))).body|[.tools[]?.function.name]|join(" ")' requests | tail -n 1; }

# A tool of one's own is removed.
mkdir -p "$XDG_CONFIG_HOME/turnstone/tools"
cat >"$XDG_CONFIG_HOME/turnstone/tools/shout.json" <<'E2'
{"name":"shout","description":"shouts","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false},"command":["/bin/echo","HO"]}
E2
ts-chat --no-stdin --tools read_file,shout hello >out
session=$(field out session session_id)
is "a session with two tools" "$(tools | tr ' ' '\n' | sort | tr '\n' ' ')" "read_file shout "
rm "$XDG_CONFIG_HOME/turnstone/tools/shout.json"
ts-chat --no-stdin --resume "$session" again >out 2>errors
is "one of them is gone: it goes on" "$? $(field out result text)" "0 fine"
like "that is said" "$(cat errors)" "tool 'shout' is not there any more"
is "and the other one is offered" "$(tools)" read_file
must_fail 2 "what a flag names must be there" ts-chat --no-stdin --resume "$session" --tools shout again

# Killed while a person was asked: the question goes with the conversation that has moved on.
mkfifo commands
: >live
background sh -c 'exec ts-chat --ndjson --sandbox off <commands >live'
chat=$pid
exec 3>commands
echo '{"type":"send","message":"ask me"}' >&3
wait_for 20 grep -q approval_request live
session=$(field live session session_id)
request=$(field live approval_request request_id)
# shellcheck disable=SC2046 # a list: ts-approve among them, which would withdraw its question
kill -9 $(pgrep -P "$chat") "$chat" && wait "$chat"
exec 3>&-
ts-chat --no-stdin --resume "$session" what now >out
is "killed at a question: gone on with" "$?" 0
is "nothing is asked any more" "$(ts-approve list --json)" ""
must_fail 1 "and no answer is taken" ts-approve "$request" allow
ok "nothing ran" test ! -e ran

# An answer that nobody was told of: killed between the row and the bell.
TURNSTONE_DB=$WORK/store/turnstone.db
export TURNSTONE_DB
mkfifo in
background sh -c 'exec timeout 60 ts-approve --ask lines <in >lines 2>errors'
approver=$pid
exec 3>in
echo '{"type":"prepared","batch_id":"b","items":[{"call_id":"1","func_name":"bash","header":"bash: ls","preview":"ls","needs_approval":true,"arguments":{"command":"ls"},"paths":[]}]}' >&3
wait_for 20 grep -q approval_request lines
id=$(field lines approval_request request_id)
sqlite3 "$TURNSTONE_DB" "UPDATE approval_calls SET decision='allow', decided_by='person', seen=1; UPDATE approvals SET status='approved', decided_by='person'"
must_fail 1 "who answers it once more is told that it is resolved" ts-approve "$id" deny
wait_for 20 grep -q '"decided"' lines
is "and who waits goes on, with the answer that was stored" \
	"$(field lines decided 'items[0]|[.decision,.decided_by]|join(" ")')" "allow person"
exec 3>&-
wait "$approver"
done_testing
