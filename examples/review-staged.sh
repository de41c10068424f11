#!/bin/sh
# review-staged: a second pair of eyes on what is about to be committed.
#
# Copy it to .git/hooks/pre-commit, or run it by hand. The model may read files of the project
# and nothing else. A model that cannot be reached (exit status 4) does not stop a commit.
set -eu

policy=$(mktemp)
trap 'rm -f "$policy"' EXIT
cat >"$policy" <<'END'
[[allow]]
tool = "read_file"

[[allow]]
tool = "search"

[[deny]]
tool = "*"
reason = "this is a review: only read_file and search may be used"
END

status=0
git diff --cached | ts-chat --policy "$policy" 'Review this change. Name bugs, nothing else.' |
	ts-render || status=$?
[ "$status" -ne 4 ] || exit 0
exit "$status"
