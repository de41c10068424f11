#!/bin/sh
# shellcheck disable=SC2016,SC2154 # programs for sh and jq; $pid comes from lib.sh
# Requests as rows: answered once from anywhere, put off, found again, handed out once.
. "${0%/*}/lib.sh"
TURNSTONE_DB=$WORK/store/turnstone.db
export TURNSTONE_DB

item() { # item COMMAND [MEMBERS]
	jq -nc --arg c "$1" --argjson m "${2:-null}" '{call_id: "1", func_name: "bash",
		header: ("bash: " + $c), preview: $c, approval_label: "bash", needs_approval: true, error: null,
		arguments: {command: $c}, repaired: false, paths: [], outside: false} + ($m // {})'
}
batch() { printf '{"type":"prepared","batch_id":"%s","items":[%s]}\n' "$1" "$2"; }
decided() { jq -r 'select(.type == "decided") | .items[] | "\(.decision) \(.decided_by)"' lines | tr '\n' ,; }
reason() { jq -r 'select(.type == "decided") | .items[0].reason' lines | tail -n 1; }
have() { [ "$(jq -r 'select(.type == "'"$1"'") | .type' lines 2>/dev/null | wc -l)" -ge "${2:-1}" ]; }
request_id() { jq -r 'select(.request_id) | .request_id' lines | tail -n 1; }
state() { ts-approve --json --all list | jq -r --arg i "$1" 'select(.request_id == $i) | .state'; }

# talk [options]: ts-approve by hand, written to through fd 3
talk() {
	rm -f "$WORK/in" lines
	mkfifo "$WORK/in"
	background sh -c 'fifo=$1; shift; exec timeout 60 ts-approve --ask lines "$@" <"$fifo" >lines 2>errors' sh "$WORK/in" "$@"
	approver=$pid
	exec 3>"$WORK/in"
}
hang_up() {
	exec 3>&-
	wait "$approver"
}

# A request is a row while it stands.
talk
batch b1 "$(item ls),$(item make '{"call_id":"2"}')" >&3
wait_for 20 have approval_request
id=$(request_id)
is "a request that is asked is a row" "$(state "$id")" waiting
is "the store is for its user alone" "$(stat -c %a "$TURNSTONE_DB" "$XDG_RUNTIME_DIR/turnstone/approve" | tr '\n' ' ')" "600 700 "
like "list shows it to people" "$(ts-approve list)" '^    bash: make$'
like "show shows all of it" "$(ts-approve show "$(printf %.6s "$id")")" '^state    waiting$'
must_fail 1 "an id that is not there" ts-approve show 0000000000
must_fail 2 "a word that is no command" ts-approve lsit
must_fail 2 "a decision that is none" ts-approve "$id" perhaps
like "another shell answers, with a message" "$(ts-approve "$(printf %.6s "$id")" allow use make -k)" '^allowed$'
wait_for 20 have decided
is "and whoever waits goes on" "$(decided)" "allow person,allow person,"
is "the message comes with it, and the calls were seen" \
	"$(jq -r 'select(.type == "decided") | .feedback, .items[0].seen' lines | tr '\n' ,)" "use make -k,true,"
is "everybody is told once" "$(grep -c '"type":"approval_resolved"' lines)" 1
is "it is recorded" "$(state "$id")" approved
is "and nothing waits any more" "$(ts-approve list)" ""
must_fail 1 "a second answer comes too late" ts-approve "$id" deny
like "and is told so" "$(cat "$WORK/.fail-output")" 'already resolved: approved by person'
printf '{"type":"approve","request_id":"%s","approved":false}\n' "$id" >&3
wait_for 20 have info
like "a line that comes too late is told so too" "$(jq -r 'select(.type == "info") | .message' lines)" 'already resolved'
ok "the doorbell is gone" sh -c '! ls "$XDG_RUNTIME_DIR"/turnstone/approve/*.sock'

# The other way round: decided here, too late there.
batch b2 "$(item 'rm x')" >&3
wait_for 20 have approval_request 2
id=$(request_id)
printf '{"type":"approve","request_id":"%s","approved":false,"feedback":"no"}\n' "$id" >&3
wait_for 20 have decided 2
is "a decision here is recorded" "$(state "$id")" denied
must_fail 1 "and comes before the other shell's" ts-approve "$id" allow

# Twenty at once.
batch b3 "$(item 'make race')" >&3
wait_for 20 have approval_request 3
id=$(request_id)
racers=
n=0
while [ $n -lt 20 ]; do
	n=$((n + 1))
	decision=allow
	[ $((n % 2)) = 0 ] || decision=deny
	timeout 60 ts-approve "$id" $decision "racer $n" >"race.$n" 2>&1 &
	racers="$racers $!"
done
# shellcheck disable=SC2086 # a list of pids
for racer in $racers; do wait "$racer" && echo "$racer"; done >winners
wait_for 20 have decided 3
is "of twenty answers one wins" "$(wc -l <winners)" 1
is "nineteen are told that they lost" "$(cat race.* | grep -c 'already resolved')" 19
winner=$(grep -lE '^(allowed|denied)$' race.*)
wanted=$([ $((${winner#race.} % 2)) = 0 ] && echo allow || echo deny)
is "what the winner said is what counts" "$(jq -r 'select(.type == "decided") | .items[0].decision' lines | tail -n 1)" "$wanted"
is "it is decided once" "$(grep -c '"type":"decided"' lines)" 3

# Cancelled, and the end of the input.
batch b4 "$(item 'make x')" >&3
wait_for 20 have approval_request 4
id=$(request_id)
echo '{"type":"cancel"}' >&3
wait_for 20 have cancel
is "a cancel clears the row" "$(state "$id")" cancelled
batch b5 "$(item 'make y')" >&3
wait_for 20 have approval_request 5
id=$(request_id)
hang_up
is "nobody left is recorded" "$(state "$id")" nobody
batch b6 "$(item 'make z')" | ts-approve --ask never >lines
is "what nobody was asked about is on record too" \
	"$(ts-approve --json --all list | jq -r 'select(.batch_id == "b6") | .state')" nobody
talk --timeout 1
batch b7 "$(item 'make t')" >&3
wait_for 20 have decided
is "so is a timeout" "$(decided) $(state "$(request_id)")" "deny timeout, timeout"
hang_up

# Killed.
talk
batch b8 "$(item 'make k')" >&3
wait_for 20 have approval_request
id=$(request_id)
# The pid is timeout's; the program below it is the one to kill.
kill -KILL "$(ps -o pid= --ppid "$approver" | tr -d ' ')"
exec 3>&-
wait "$approver" 2>/dev/null
like "the request of a killed process is dead" "$(ts-approve list)" "^$(printf %.12s "$id").*  dead$"
must_fail 1 "its answer would reach nobody" ts-approve "$id" allow
like "which is said" "$(cat "$WORK/.fail-output")" 'dead: whoever asked has ended'
is "and the row is cleared" "$(state "$id")" cancelled

# Put off, by hand in the pipe.
TS_SESSION_ID=5e5510000001
export TS_SESSION_ID
mkdir -p "$HOME/.config/turnstone"
echo '{"type":"tool_batch","batch_id":"d1","calls":[{"call_id":"c1","name":"bash","arguments":{"command":"echo ran >>ran; echo done"}},{"call_id":"c2","name":"read_file","arguments":{"path":"ran"}}]}' >batch.json
pipe() { ts-tool-prep <batch.json | ts-approve --ask defer | tee lines | ts-tool-exec >results; }
pipe
is "a request is put off, and nothing is decided" "$(jq -r .type lines | tr '\n' ' ')" "approval_deferred "
ok "nothing of the batch runs" test ! -e ran
id=$(request_id)
is "it is listed" "$(state "$id")" deferred
pipe
is "while it waits it is put off again, the same request" "$(jq -r '.type + " " + .request_id' lines)" "approval_deferred $id"
is "under one row" "$(ts-approve --json list | grep -c .)" 1
like "another process allows it, and says how it goes on" "$(ts-approve "$id" allow)" "allowed; .*--resume $TS_SESSION_ID"
ok "which runs nothing yet" test ! -e ran
pipe
is "the same batch is then decided by a person" "$(decided)" "allow person,allow auto,"
is "and everybody is told" "$(jq -r .type lines | tr '\n' ' ')" "tool_info approval_resolved decided "
is "it ran once" "$(cat ran)" ran
pipe
is "a third time it is refused" "$(jq -r 'select(.type == "decided") | .items[0].decision' lines)" deny
like "because it may have run" "$(reason)" 'may have run already'
is "and has not run again" "$(cat ran)" ran
sed -i 's/echo done/echo other/' batch.json
pipe
is "another command under the same id is another request" "$(jq -r .type lines | tr '\n' ' ')" "approval_deferred "
ts-approve "$(request_id)" deny use less >/dev/null
pipe
is "a denial comes too" "$(decided)" "deny person,allow auto,"
is "with the message" "$(reason)" "Denied by the user: use less"
is "an agent's call is never put off" "$(batch d5 "$(item ls)" | jq -c '.parent_call_id = "p"' | ts-approve --ask defer | tee lines | jq -r .type |
	tr '\n' ' ')$(decided)" "tool_info decided deny nobody,"
is "a denied policy wins over an approval that came before" "$(
	batch d6 "$(item 'touch x')" | ts-approve --ask defer >lines
	ts-approve "$(request_id)" allow >/dev/null
	printf '[[deny]]\ntool = "bash"\ncommand = "touch *"\n' >deny.toml
	batch d6 "$(item 'touch x')" | ts-approve --ask defer --policy deny.toml >lines
	decided
)" "deny policy,"
batch d7 "$(item 'make d7')" | ts-approve --ask defer >lines
id=$(request_id)
batch d7 "$(item 'make d7')" | ts-approve --ask never >lines
is "nobody to ask: what was put off waits on" "$(jq -r '.type + " " + .request_id' lines)" "approval_deferred $id"
talk
batch d7 "$(item 'make d7')" >&3
wait_for 20 have approval_request
is "somebody to ask: he is asked, under the same id" "$(request_id)" "$id"
ts-approve "$id" allow >/dev/null
wait_for 20 have decided
is "and another shell is heard at once" "$(decided)" "allow person,"
batch d7 "$(item 'make d7')" >&3
wait_for 20 have decided 2
like "also what was asked live is handed out once" "$(reason)" 'may have run already'
hang_up

# Rules.
talk
batch r1 "$(item 'git status -s')" >&3
wait_for 20 have approval_request
printf '{"type":"approve","request_id":"%s","approved":true,"always":true}\n' "$(request_id)" >&3
wait_for 20 have decided
like "E-89: a rule is there to be seen" "$(ts-approve rules)" 'bash: git status \*'
is "E-89: it holds for another process of the session" "$(batch r2 "$(item 'git status')" | ts-approve --ask never | tee lines >/dev/null; decided)" "allow always,"
is "and for no other session" "$(batch r3 "$(item 'git status')" | TS_SESSION_ID=other ts-approve --ask never >lines; decided)" "deny nobody,"
is "nor for a call that was repaired" \
	"$(batch r4 "$(item 'git status' '{"repaired":true}')" | ts-approve --ask never >lines; decided)" "deny nobody,"
talk
batch r5 "$(item 'git status')" >&3
wait_for 20 have decided
is "a running ts-approve has it" "$(decided)" "allow always,"
is "E-79: it is revoked" "$(ts-approve rules revoke "$(ts-approve --json rules | jq .id)")" revoked
batch r6 "$(item 'git status')" >&3
wait_for 20 have approval_request
ok "at once, also for the running one" have approval_request
must_fail 1 "what is not there cannot be revoked" ts-approve rules revoke 77
hang_up
mcp() { item x "{\"func_name\":\"mcp__s__t\",\"arguments\":{\"command\":\"x\"},\"definition_hash\":\"$1\"}"; }
talk
batch m1 "$(mcp aa)" >&3
wait_for 20 have approval_request
like "the request says that a definition is pinned" "$(jq -r 'select(.items) | .items[0].always_covers // ""' lines)" 'while its definition is this'
printf '{"type":"approve","request_id":"%s","approved":true,"always":true}\n' "$(request_id)" >&3
wait_for 20 have decided
batch m2 "$(mcp aa)" >&3
wait_for 20 have decided 2
is "always covers an MCP tool as it was defined" "$(decided)" "allow person,allow always,"
batch m3 "$(mcp bb)" >&3
wait_for 20 have approval_request 2
ok "a changed definition asks again" have approval_request 2
hang_up
unset TS_SESSION_ID
talk
batch n1 "$(item 'git log')" >&3
wait_for 20 have approval_request
printf '{"type":"approve","request_id":"%s","approved":true,"always":true}\n' "$(request_id)" >&3
wait_for 20 have decided
batch n2 "$(item 'git log -1')" >&3
wait_for 20 have decided 2
is "by hand a rule holds while the process lives" "$(decided)" "allow person,allow always,"
hang_up
is "and no longer" "$(batch n3 "$(item 'git log')" | ts-approve --ask never >lines; decided)" "deny nobody,"

# Without a store.
is "TS_NO_STORE keeps nothing" "$(batch s1 "$(item ls)" | TS_NO_STORE=1 TURNSTONE_DB=$WORK/none/x.db ts-approve --ask never >lines
	decided; ls "$WORK/none" 2>/dev/null)" "deny nobody,"
batch s2 "$(item ls)" | TS_NO_STORE=1 ts-approve --ask defer >lines
like "putting off is then impossible, and denied" "$(decided)$(reason)" 'deny nobody,.*no store'
: >"$WORK/file"
{
	batch s3 "$(item ls)"
} | TURNSTONE_DB=$WORK/file/x.db ts-approve --approve-with 'echo "{\"type\":\"approve\",\"approved\":true}"' >lines 2>errors
is "a store that cannot be opened: it is asked all the same" "$(decided)" "allow filter,"
like "with a warning" "$(cat errors)" 'requests are not kept'
batch s4 "$(item ls)" | TURNSTONE_DB=$WORK/file/x.db ts-approve --ask defer >lines 2>errors
is "but not put off" "$(decided)" "deny nobody,"
is "a look makes no database" "$(TURNSTONE_DB=$WORK/look/x.db ts-approve list; ls "$WORK/look" 2>/dev/null)" ""

# A long runtime directory: a socket's name has its limits.
deep=$WORK/$(printf '%0100d' 0)
mkdir -m 700 "$deep"
XDG_RUNTIME_DIR=$deep
talk
batch l1 "$(item ls)" >&3
wait_for 20 have approval_request
is "a bell is heard in a deep directory too" "$(ts-approve "$(request_id)" deny)" denied
wait_for 20 have decided
is "and decides" "$(decided)" "deny person,"
hang_up

done_testing
