#!/bin/sh
# changelog: what changed since a tag, for people, from the messages of the commits.
#
#   examples/changelog.sh [TAG]         (the last tag when none is named)
#
# The exit status is that of the turn: a pipeline ends as its last program does, and ts-render
# ends as the turn did.
set -eu

since=${1:-$(git describe --tags --abbrev=0 2>/dev/null || :)}

git log --no-merges --format='%s%n%n%b' ${since:+"$since..HEAD"} -- |
	ts-chat 'Write the changes that follow as a short list for users, the important ones first.' |
	ts-render
