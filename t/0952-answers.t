#!/bin/sh
# An answer holds for what was asked: not for another definition, place or call, and only once.
. "${0%/*}/lib.sh"

TS_SESSION_ID=s1
export TS_SESSION_ID
batch() { # COMMAND [MEMBERS [BATCH-ID]]
	jq -nc --arg c "$1" --argjson m "${2:-null}" --arg b "${3:-b1}" '{type: "prepared", batch_id: $b, items: [{
		call_id: "k1", func_name: "bash", header: "bash", preview: $c, approval_label: "bash",
		needs_approval: true, error: null, arguments: {command: $c}, repaired: false, paths: [],
		outside: false} + ($m // {})]}'
}
put_off() { # like batch: puts it off, and allows it from another shell; sets request
	request=$(batch "$@" | ts-approve --ask defer | jq -r 'select(.type == "approval_deferred").request_id')
	ts-approve "$request" allow >/dev/null || diagnose "no answer to $request"
}
again() { # OPTIONS... < batch: how it is decided when it comes again
	ts-approve --ask never "$@" 2>&1 | jq -r 'select(.type == "decided").items[0] | .decision + " " + .decided_by'
}

put_off ls
is "the call that was asked about" "$(batch ls | again)" "allow person"
is "once" "$(batch ls | again)" "deny nobody"
put_off ls '{"definition_hash":"aa"}' b2
is "not when its tool is defined otherwise now" "$(batch ls '{"definition_hash":"bb"}' b2 | again)" "deny nobody"
put_off ls '{"sandbox":"workspace","network":false}' b3
is "nor when it would have a network" "$(batch ls '{"sandbox":"workspace","network":true}' b3 | again)" "deny nobody"
put_off ls null b4
mkdir "$WORK/elsewhere"
is "nor in another directory" "$(cd "$WORK/elsewhere" && batch ls null b4 | again)" "deny nobody"
is "nor of another session" "$(TS_SESSION_ID=s2 && batch ls null b4 | again)" "deny nobody"
printf '[[deny]]\ntool = "bash"\ncommand = "ls"\n' >policy.toml
is "nor against a rule that came meanwhile" "$(batch ls null b4 | again --policy policy.toml)" "deny policy"
put_off ls null b5
batch ls null b5 >five
for i in 1 2 3 4 5 6; do
	again <five >"got.$i" &
done
wait
is "of six that come for it at once one has it" "$(cat got.* | grep -c '^allow')" 1

done_testing
