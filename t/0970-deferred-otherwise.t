#!/bin/sh
# shellcheck disable=SC2154 # $pid comes from lib.sh
# What was put off for a person, and is then decided by something else: a flag, a policy. It is
# used up all the same: nothing of it runs twice, and no later call takes the answer to it.
. "${0%/*}/lib.sh"

cat >script <<'E2'
{"match":{"role":"user","contains":"make"},"tool_calls":[{"name":"bash","id":"call_1","arguments":{"command":"echo x >>ran"}}]}
{"match":{"role":"user","contains":"block"},"tool_calls":[{"name":"bash","id":"call_1","arguments":{"command":"echo x >>ran; cat fifo"}}]}
{"match":{"role":"user","contains":"both"},"tool_calls":[{"name":"bash","id":"call_1","arguments":{"command":"echo x >>ran"}},{"name":"read_file","id":"call_2","arguments":{"path":"script"}}]}
{"times":"always","content":"fine"}
E2
start_mock --script script --log requests
mkfifo fifo
messages() { jq -c 'select(.type=="request" and (.path|test("completions"))).body.messages' requests | tail -n 1; }
field() { jq -r "select(.type==\"$2\").$3" "$1"; }
defer() { # defer PROMPT: sets session and request
	: >ran
	# shellcheck disable=SC2086 # words of the prompt
	setsid -w ts-chat --sandbox off --no-stdin --approve=defer $1 >first 2>errors
	session=$(field first session session_id)
	request=$(field first approval_deferred request_id)
}

defer 'make it'
ts-chat --sandbox off --no-stdin --skip-permissions --resume "$session" >second
is "a flag allows what was put off: it runs" "$? $(cat ran)" "0 x"
is "nothing waits any more" "$(ts-approve list --json)" ""
is "the row says who decided, and that it is used up" \
	"$(ts-approve show --json "$request" | jq -c '[.state,.calls[0].decided_by,(.calls[0].claimed!=null)]')" \
	'["approved","flag",true]'
must_fail 1 "an answer that comes now is refused" ts-approve "$request" allow

defer 'block it'
background ts-chat --sandbox off --no-stdin --skip-permissions --resume "$session" >second
wait_for 10 test -s ran
kill -9 "$pid" && wait "$pid"
must_fail 2 "killed while it ran: nothing waits for a decision" \
	ts-chat --sandbox off --no-stdin --skip-permissions --resume "$session"
ts-chat --sandbox off --no-stdin --skip-permissions --resume "$session" what now >third
is "gone on with" "$?" 0
is "it is not run again" "$(cat ran)" x
like "but counts as interrupted" "$(messages | jq -r '.[-2].content')" '^interrupted'

defer 'make it'
printf '[[deny]]\ntool = "bash"\n' >policy
ts-chat --sandbox off --no-stdin --policy policy --resume "$session" >second 2>errors
is "a policy forbids what was put off" "$(field second tool_result status) $(cat ran)" "denied "
is "nothing waits any more either" "$(ts-approve list --json)" ""

# An answer that is not used now is used never.
defer 'make it'
ts-approve "$request" allow >/dev/null
ts-chat --sandbox off --no-stdin --policy policy --resume "$session" >second 2>errors
is "a policy forbids what was allowed" "$(field second tool_result status) $(cat ran)" "denied "
is "and the answer is used up" "$(ts-approve show --json "$request" | jq '.calls[0].claimed!=null')" true

# One whose tool is not there any more.
defer 'make it'
ts-chat --sandbox off --no-stdin --tools read_file --resume "$session" >second 2>errors
is "a call of a tool that is not offered now" "$(field second tool_result status) $(cat ran)" "error "
is "waits for nobody" "$(ts-approve list --json)" ""

# A policy asks more than it did: a new request, for all of it.
defer both
ts-approve "$request" allow >/dev/null
printf '[[ask]]\ntool = "read_file"\n' >policy
setsid -w ts-chat --sandbox off --no-stdin --approve=defer --policy policy --resume "$session" >second 2>errors
again=$(field second approval_deferred request_id)
is "what must be asked besides is asked, and nothing runs before" \
	"$([ "$again" != "$request" ] && ts-approve show --json "$again" | jq -c '[.calls[].func_name]') $(cat ran)" \
	'["bash","read_file"] '
ok "the new request can be answered" ts-approve "$again" allow
setsid -w ts-chat --sandbox off --no-stdin --approve=defer --policy policy --resume "$session" >second 2>errors
is "and then all of it runs, once" "$? $(field second tool_result status | tr '\n' ' ')$(cat ran)" "0 ok ok x"

# Gone on with in another place: what was asked about this one does not count there.
defer 'make it'
mkdir -p elsewhere
(cd elsewhere && setsid -w ts-chat --sandbox off --no-stdin --approve=defer --resume "$session" >../second 2>errors)
again=$(field second approval_deferred request_id)
is "in another directory it is asked anew" "$(ts-approve list --json | jq -r .request_id)" "$again"
must_fail 1 "and not as before any more" ts-approve "$request" allow
done_testing
