#!/bin/sh
# make demo, as somebody sees it who has just cloned the tree.
. "${0%/*}/lib.sh"

timeout 60 "$SOURCE/sh/demo" >output 2>errors </dev/null
is "the demo succeeds" "$? $(cat errors)" "0 "
like "it says that no model answers" "$(cat output)" "ts-mock-llm answers from"
like "it shows the tool that ran" "$(cat output)" "bash.*find"
like "it really ran" "$(cat output)" "tool calls really run: 1"
like "what the tool printed reached the answer" "$(cat output)" "largest file here is .*story\.txt"
is "nothing is left behind" "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'turnstone-demo.*' -newer errors -user "$(id -u)" 2>/dev/null)" ""

# With a model of one's own.
start_mock --script "$SOURCE/examples/scripts/hello.ndjson"
timeout 60 "$SOURCE/sh/demo" >output 2>errors </dev/null
is "with TURNSTONE_BASE_URL it succeeds" "$? $(cat errors)" "0 "
like "it says which model answers" "$(cat output)" "the one at $BASE_URL"
like "and shows the answer" "$(cat output)" "^Which file here is largest"

kill "$mock_pid"
wait "$mock_pid" 2>/dev/null
TURNSTONE_MODEL_RETRIES=0
export TURNSTONE_MODEL_RETRIES
must_fail 4 "a model that is not there fails it" timeout 60 "$SOURCE/sh/demo"

done_testing
