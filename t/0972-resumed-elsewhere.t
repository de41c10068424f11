#!/bin/sh
# shellcheck disable=SC2154 # $approver is set by talk
# Sessions that find the world changed: their tools gone, their owner alive or killed; and requests
# whose answer was stored by a process that died before it told anybody.
. "${0%/*}/lib.sh"

cat >script <<'E2'
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
