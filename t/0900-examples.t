#!/bin/sh
# The examples do what their first lines say, also when the model cannot be reached.
. "${0%/*}/lib.sh"

examples=$SOURCE/examples
for file in "$examples"/*; do
	name=${file##*/}
	[ -d "$file" ] || ok "$name: a test tries it" \
		sh -c 'grep -lwF -e "$1" "$2"/t/*.t | grep -qv "/000[0-9]-"' sh "$name" "$SOURCE"
done

start_mock --script "$examples/scripts/hello.ndjson"

git init -q .
git config user.name Test
git config user.email test@example.org
git commit -q --allow-empty -m 'first: before the tag'
git tag v1
git commit -q --allow-empty -m 'second: after the tag'

# changelog.sh
output=$("$examples/changelog.sh" 2>errors)
is "changelog.sh: succeeds" "$? $(cat errors)" "0 "
like "changelog.sh: the commits since the tag reach the model" "$output" "second: after the tag"
unlike "changelog.sh: those before it do not" "$output" "first: before"
like "changelog.sh: another start can be named" "$("$examples/changelog.sh" v1)" "second: after the tag"

# nightly-report.sh, crontab
echo 'old report' >"$WORK/report"
ok "nightly-report.sh: succeeds" "$examples/nightly-report.sh" "$PWD" "$WORK/report"
like "nightly-report.sh: the report is there" "$(cat "$WORK/report")" "second: after the tag"
unset MAKEFLAGS MFLAGS MAKELEVEL
job=$(grep '^[0-9]' "$examples/crontab")
like "crontab: five fields and a command" "$job" '^([0-9*/,-]+ ){5}/'
installed=$(printf '%s' "$job" | sed 's/^\([^ ]* \)\{5\}//; s/ .*//')
manifest=$(make -s -C "$SOURCE" BUILD="${BUILD#"$SOURCE/"}" manifest)
like "crontab: the command is where install puts it" "$manifest" ":${installed#/usr/local/}\$"

# Makefile
printf '# Notes\n' >notes.md
printf 'some text\n' >some.txt
make -s -f "$examples/Makefile" notes.summary some.summary >output 2>&1
is "Makefile: makes both kinds" "$? $(cat output)" "0 "
like "Makefile: from the text" "$(cat some.summary)" "some text"

# review-staged.sh
echo 'int x;' >new.c
git add new.c
output=$("$examples/review-staged.sh" 2>errors)
is "review-staged.sh: succeeds" "$? $(cat errors)" "0 "
like "review-staged.sh: the change reaches the model" "$output" "\+int x;"

# Nobody answers: a port that was closed a moment ago.
kill "$mock_pid"
wait "$mock_pid" 2>/dev/null
TURNSTONE_MODEL_RETRIES=0
export TURNSTONE_MODEL_RETRIES
must_fail 4 "changelog.sh: without a model it ends as the turn did" "$examples/changelog.sh"
echo 'old report' >"$WORK/report"
must_fail 4 "nightly-report.sh: so does this" "$examples/nightly-report.sh" "$PWD" "$WORK/report"
is "nightly-report.sh: the old report stays, alone" \
	"$(cat "$WORK"/report*)" "old report"
ok "review-staged.sh: a missing model stops no commit" "$examples/review-staged.sh"
rm some.summary
must_fail 2 "Makefile: a failed turn fails the target" \
	make -s -f "$examples/Makefile" some.summary
ok "Makefile: and leaves none" test ! -e some.summary

done_testing
