#!/bin/sh
# shellcheck disable=SC2016,SC2094,SC2154 # programs for sh and jq; $pid comes from lib.sh
# ts-approve asks a Unix socket, an agent's asks the one above, and plans are reviewed.
. "${0%/*}/lib.sh"

item() { # item COMMAND [MEMBERS]
	jq -nc --arg c "$1" --argjson m "${2:-null}" '{call_id: "1", func_name: "bash",
		header: "h", preview: $c, approval_label: "bash", needs_approval: true, error: null,
		arguments: {command: $c}, repaired: false, paths: [], outside: false} + ($m // {})'
}
batch() { printf '{"type":"prepared","batch_id":"b1","correlation_id":"c1","items":[%s]}\n' "$1"; }
decided() { jq -r 'select(.type == "decided") | .items[] | "\(.decision) \(.decided_by)"' lines; }
reason() { jq -r 'select(.type == "decided") | .items[0].reason' lines; }

# A server that answers each connection with one line; "-" hangs up, "" is silent.
cat >server.py <<'PY'
import os, socket, sys
path, answer = sys.argv[1], sys.argv[2]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(8)
print("ready", flush=True)
kept = []
while True:
    peer, _ = server.accept()
    line = b""
    while not line.endswith(b"\n"):
        more = peer.recv(65536)
        if not more:
            break
        line += more
    with open("asked", "ab") as file:
        file.write(line)
    if answer == "":
        kept.append(peer)
    elif answer == "-":
        peer.close()
    else:
        peer.sendall(answer.encode() + b"\n")
        peer.close()
PY
serve() { # serve ANSWER: its socket is ./door
	rm -f door asked
	background python3 server.py door "$1" >ready
	wait_for 10 grep -q ready ready
}
ask_socket() {
	batch "$(item ls)" | timeout 20 ts-approve --socket ./door "${1:---timeout=10}" >lines 2>errors
	decided
}
if command -v python3 >/dev/null; then
	serve '{"type":"approve","approved":true}'
	is "a socket approves" "$(ask_socket)" "allow filter"
	is "it reads the request" "$(jq -r '[.type, .items[0].preview] | join(" ")' asked)" "approval_request ls"
	is "and its word is not a person's: the call is jailed" \
		"$(jq -r 'select(.type == "decided") | .items[0].seen' lines)" false
	head -c 300000 /dev/zero | tr '\0' x >long
	batch "$(item ls)" | jq -c --rawfile l long '.items[0].preview = $l' |
		timeout 20 ts-approve --socket door >lines
	is "a long request arrives whole" "$(decided) $(tail -n 1 asked | jq '.items[0].preview | length')" \
		"allow filter 300000"
	serve '{"type":"approve","approved":false,"feedback":"not today"}'
	is "a socket denies" "$(ask_socket)" "deny filter"
	is "with its message" "$(reason)" "Denied by the approver: not today"
	serve '{"type":"approve","request_id":"another","approved":true}'
	is "an answer to another request denies" "$(ask_socket)" "deny filter"
	serve yes
	is "garbage denies" "$(ask_socket)" "deny filter"
	serve -
	is "hanging up denies" "$(ask_socket)" "deny filter"
	like "and says so" "$(reason)" 'gave no answer'
	serve ''
	is "silence denies in time" "$(ask_socket --timeout=1)" "deny timeout"
	serve '{"type":"plan_feedback","feedback":"smaller steps"}'
	is "a socket reviews a plan" "$(echo '{"type":"review","request_id":"r","parent_call_id":"p","content":"Plan"}' |
		timeout 20 ts-approve --socket door | jq -r 'select(.type == "reviewed") | .verdict + ": " + .feedback')" \
		"annotated: smaller steps"
else
	skip "a socket approves" "python3 is not installed"
fi
rm -f door
is "a socket that is not there denies" "$(ask_socket)" "deny nobody"
like "and says where" "$(reason)" 'door'
is "the request and its end are told" "$(jq -r .type lines | tr '\n' ' ')" "approval_request approval_resolved decided "

# Another user's socket: as root we can make one that is not ours.
if [ "$(id -u)" = 0 ] && [ -x /usr/bin/python3 ] && command -v setpriv >/dev/null; then
	mkdir open && chmod 777 open && chmod 755 "$WORK" "$WORK/project"
	cat >other.py <<-'PY'
		import os, socket
		server = socket.socket(socket.AF_UNIX)
		server.bind("open/door")
		os.chmod("open/door", 0o777)
		server.listen(1)
		print("ready", flush=True)
		peer, _ = server.accept()
		peer.sendall(b'{"type":"approve","approved":true}\n')
	PY
	: >ready
	background setpriv --reuid 65534 --clear-groups /usr/bin/python3 other.py >ready 2>other.log
	wait_for 10 grep -q ready ready
	batch "$(item ls)" | timeout 20 ts-approve --socket open/door >lines
	is "another user's socket is not believed" "$(decided)" "deny nobody"
	like "and it is said why" "$(reason)" 'belongs to another user'
else
	skip "another user's socket is not believed" "only root can make one"
fi

# An agent's approver: everything goes up, and comes back decided.
mkfifo up down
agent() { # agent ITEMS: with the answer in ./answer
	background timeout 20 sh -c 'exec 5>down; head -n 1 <up >asked; cat answer >&5' </dev/null
	above=$pid
	batch "$1" | timeout 20 env TS_EVENT_FD=3 TS_ANSWER_FD=4 sh -c 'exec ts-approve --ask parent 4<down 3>up' \
		>lines 2>errors
	status=$?
	wait "$above"
	decided
	[ "$status" = 0 ] || echo "status $status"
}
cat >answer <<'JSON'
{"type":"decided","batch_id":"other","parent_call_id":"p","items":[]}
{"type":"decided","batch_id":"b1","parent_call_id":"p","feedback":"go on","items":[{"call_id":"1","func_name":"bash","arguments":{"command":"rm -rf ~"},"decision":"allow","decided_by":"person","seen":true,"feedback":"go on"}]}
JSON
is "an agent's call is decided above" "$(agent "$(item ls),$(item make '{"call_id":"2"}')" | tr '\n' ,)" \
	"allow person,deny nobody,"
is "it went up as it was prepared" "$(jq -r '[.type, .batch_id, .items[1].arguments.command] | join(" ")' asked)" "prepared b1 make"
is "only the decision comes down, not another call" \
	"$(jq -r 'select(.type == "decided") | .items[0].arguments.command' lines)" ls
is "seen and feedback come with it" \
	"$(jq -r 'select(.type == "decided") | [(.items[0].seen | tostring), .feedback, .correlation_id] | join(" ")' lines)" "true go on c1"
is "its line names no parent" "$(jq -r 'select(.type == "decided") | has("parent_call_id")' lines)" false
is "and nobody else is told" "$(jq -r .type lines | tr '\n' ' ')" "decided "
: >answer
is "a parent that has gone is no" "$(agent "$(item ls)")" "deny nobody"
background timeout 20 sh -c 'exec 5>down; head -n 1 <up >asked; while test ! -e over; do sleep 0.05; done' </dev/null
{
	batch "$(item ls)"
	echo '{"type":"cancel","batch_id":"b1"}'
} | timeout 20 env TS_EVENT_FD=3 TS_ANSWER_FD=4 sh -c 'exec ts-approve --ask parent 4<down 3>up' >lines 2>errors
is "a cancel denies what was sent up" "$(decided)" "deny cancelled"
is "and passes behind it" "$(jq -r .type lines | tr '\n' ' ')" "decided cancel "
touch over
must_fail 2 "without the way up it does not start" ts-approve --ask parent </dev/null
must_fail 2 "nor with a wrong one" env TS_EVENT_FD=3x TS_ANSWER_FD=4 ts-approve --ask parent </dev/null

# Plans.
plan='{"type":"review","request_id":"r1","parent_call_id":"p1","content":"1. do it","path":"/p.md"}'
review() { # review FEEDBACK [options]: the verdict
	feedback=$1
	shift
	{
		echo "$plan"
		jq -nc --arg f "$feedback" '{type: "plan_feedback", request_id: "r1", feedback: $f}'
	} | timeout 20 ts-approve --ask lines "$@" >lines
	jq -r 'select(.type == "reviewed") | "\(.request_id) \(.parent_call_id) \(.verdict) \(.feedback // "-")"' lines
}
is "E-67: an affirmative accepts a plan" "$(for word in '' y Yes ok approve ' OK '; do review "$word"; done | uniq)" \
	"r1 p1 accepted -"
is "the plan is shown before" "$(jq -r 'select(.type == "plan_review") | .content + .path' lines)" "1. do it/p.md"
is "no rejects it" "$(for word in n NO reject; do review "$word"; done | uniq)" "r1 p1 rejected -"
is "anything else is a remark" "$(review 'smaller steps')" "r1 p1 annotated smaller steps"
is "the end of the input leaves it unreviewed" \
	"$(echo "$plan" | ts-approve --ask lines | jq -r 'select(.type == "reviewed") | .verdict')" unreviewed
is "E-66: nobody to ask does not block" \
	"$(echo "$plan" | ts-approve --ask never | jq -r 'select(.type == "reviewed") | .verdict')" unreviewed
is "E-66: one flag for calls and plans" \
	"$(echo "$plan" | ts-approve --ask lines --skip-permissions | jq -r .type,.verdict | tr '\n' ' ')" "reviewed accepted "
is "auto-approved plans are accepted" \
	"$(echo "$plan" | ts-approve --ask never --auto-approve plan | jq -r .verdict)" accepted
is "a filter reviews" "$(echo "$plan" | ts-approve --approve-with \
	'jq -c "{type:\"plan_feedback\",request_id,feedback:(.content + \"!\")}"' | jq -r 'select(.type == "reviewed") | .feedback')" "1. do it!"
is "a filter that answers nonsense has not reviewed" "$(echo "$plan" | ts-approve --approve-with 'echo yes' |
	jq -r 'select(.type == "reviewed") | .verdict')" unreviewed
is "plans and calls are asked one at a time" "$({
	echo "$plan"
	batch "$(item ls)"
} | ts-approve --ask lines | jq -r .type | tr '\n' ' ')" \
	"plan_review reviewed tool_info decided "
is "a review without a plan is an error" "$(echo '{"type":"review","request_id":"r"}' | ts-approve | jq -r .type)" error
is "a cancel ends the wait for a review" "$({
	echo "$plan"
	echo '{"type":"cancel"}'
} | ts-approve --ask lines | jq -r '.type + (.verdict // "")' | tr '\n' ' ')" "plan_review reviewedunreviewed cancel "

if command -v expect >/dev/null; then
	at_terminal() { # at_terminal REPLY: a Tcl string
		echo "$plan" | jq -c '.content = "1. do \u001b[2Jit"' >in
		cat >script.exp <<-EXPECT
			set timeout 10
			spawn -noecho sh -c "ts-approve <in >out 2>errors"
			expect "a remark] " {} timeout { exit 9 }
			send -- $1
			expect eof
		EXPECT
		timeout 20 expect script.exp >screen 2>&1
		jq -r 'select(.type == "reviewed") | .verdict + (.feedback // "")' out
	}
	is "Enter accepts at the terminal" "$(at_terminal '"\r"')" accepted
	like "E-88: the plan is shown, its control bytes visible" "$(cat screen)" 'do ␛\[2Jit'
	is "n rejects there" "$(at_terminal '"n\r"')" rejected
	is "E-72: the end of input rejects" "$(at_terminal '"\004"')" rejected
	is "so does Ctrl-C" "$(at_terminal '"\003"')" rejected
	is "a remark is passed on" "$(at_terminal '"use sh\r"')" "annotateduse sh"
else
	skip "plans at the terminal" "expect is not installed"
fi

done_testing
