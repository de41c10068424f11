#!/bin/sh
# The smallest kind of tool: a few arguments from the JSON on stdin become those of a program.
# Nothing the model wrote is ever looked at as an option, a pattern of the shell, or a command.
set -eu

arguments=$(cat)
argument() { printf '%s' "$arguments" | jq -r --arg key "$1" '.[$key] // empty'; }

[ "$1" = run ] || exit 2
count=$(argument count)
path=$(argument path)
author=$(argument author)
word=$(argument word)

set -- --max-count="${count:-20}" --date=short --format='%h %ad %an: %s'
[ -z "$author" ] || set -- "$@" --author="$author"
[ -z "$word" ] || set -- "$@" --grep="$word" --regexp-ignore-case
[ "$(argument diff)" != true ] || set -- "$@" --patch
[ -z "$path" ] || set -- "$@" -- "$path"

git --no-pager log "$@"
