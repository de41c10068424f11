#!/bin/sh
# What ts-render makes of the golden events. To accept differences: t/golden/render/accept
. "${0%/*}/lib.sh"

for events in "$SOURCE"/t/golden/render/*.ndjson; do
	ok "${events##*/} has its wanted text" test -s "${events%.ndjson}.txt"
done
ok 'they look as wanted' "$SOURCE/t/golden/render/accept" --check

# However the bytes arrive, the result is the same.
for events in "$SOURCE"/t/golden/render/*.ndjson; do
	ts-render --all --color=always --width=60 <"$events" >whole 2>/dev/null
	dd ibs=1 obs=1 if="$events" 2>/dev/null | ts-render --all --color=always --width=60 >bytes 2>/dev/null
	ok "${events##*/}: byte by byte" cmp whole bytes
done
done_testing
