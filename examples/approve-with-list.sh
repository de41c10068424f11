#!/bin/sh
# approve-with-list: an approver that allows the shell commands of a list and nothing else.
#
#   ts-chat --approve-with 'examples/approve-with-list.sh commands.txt' ...
#
# commands.txt has one command per line, compared as a whole. An approver reads approval_request
# lines and answers each with an approve line (ts-events(5)); what it does not answer is denied.
set -eu

exec jq -c --unbuffered --rawfile list "$1" '
	($list | split("\n") | map(select(length > 0 and (startswith("#") | not)))) as $allowed |
	select(.type == "approval_request") |
	[.items[] | select(.needs_approval) | {
		call_id,
		approved: (.func_name == "bash" and (.preview as $command | $allowed | index([$command]) != null)),
	} | if .approved then . else . + {feedback: "this command is not on the list"} end] as $decisions |
	{type: "approve", request_id, approved: ($decisions | all(.approved)), decisions: $decisions}'
