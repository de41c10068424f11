#!/bin/sh
# examples/approve-with-list.sh as the approver of a batch: what is on the list runs, the rest does
# not, and the model is told why.
. "${0%/*}/lib.sh"

printf '# commands that may run\necho listed\n' >list
cat >calls <<'END'
{"type":"tool_batch","batch_id":"b","calls":[{"call_id":"1","name":"bash","arguments":{"command":"echo listed"}},{"call_id":"2","name":"bash","arguments":{"command":"echo listed; echo more"}},{"call_id":"3","name":"write_file","arguments":{"path":"new","content":"x"}}]}
END
ts-tool-prep <calls |
	ts-approve --approve-with "$SOURCE/examples/approve-with-list.sh $PWD/list" |
	ts-tool-exec >output 2>errors
is "the batch is done" "$? $(cat errors)" "0 "
result() { jq -r "select(.type == \"tool_result\" and .call_id == \"$1\") | \"\\(.status): \\(.output)\"" output; }
is "the command on the list ran" "$(result 1)" "ok: listed"
like "a longer one did not" "$(result 2)" "^denied: .*not on the list"
like "nor did another tool" "$(result 3)" "^denied: "
ok "nothing was written" test ! -e new
is "the decisions name the filter" "$(jq -r 'select(.type == "approval_resolved") |
	[.decisions[].decided_by] | unique | join(",")' output)" "filter"

done_testing
