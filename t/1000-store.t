#!/bin/sh
# The database: private, made once by many at a time, written by many, whole after kill -9; what is
# newer, damaged, another program's or cannot be written is refused with a reason.
. "${0%/*}/lib.sh"

db=$XDG_DATA_HOME/turnstone/turnstone.db

# Nothing is made by reading (C-31).
is "without a database there are no sessions" "$(ts-session list 2>&1)" "ts-session: no sessions yet"
is "nor memories" "$(ts-memory list 2>&1)" "ts-memory: nothing is remembered here yet"
ok "and reading makes none" test ! -e "$XDG_DATA_HOME/turnstone"

# Ten at once (C-25), in a place that is private (C-1, C-2).
umask 000
count=0
pids=
while [ "$count" -lt 10 ]; do
	count=$((count + 1))
	timeout 60 ts-memory remember "first $count" x >>out 2>&1 &
	pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done
umask 022
is "ten programs that make the database at once: all succeed" "$failed $(cat out)" "0 "
is "and all have written" "$(ts-memory --json list | wc -l)" 10
is "the directory and the file are private" \
	"$(stat -c %a "$XDG_DATA_HOME/turnstone" "$db" | tr '\n' ' ')" "700 600 "
is "it has a version and a mark" \
	"$(sqlite3 "$db" 'PRAGMA user_version; PRAGMA application_id; PRAGMA journal_mode' | tr '\n' ' ')" "1 1414755377 wal "
chmod 644 "$db"
ts-memory list >/dev/null
is "one that others could read is closed to them" "$(stat -c %a "$db")" 600

# Eight writers (C-24).
writer() {
	i=0
	while [ $i -lt 25 ]; do
		i=$((i + 1))
		timeout 60 ts-memory --scope user remember "w $1 $i" "$i" || return 1
	done
}
pids=
for number in 1 2 3 4 5 6 7 8; do
	writer "$number" >>writers 2>&1 &
	pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done
is "eight writers at once: none is locked out" "$failed $(cat writers)" "0 "
is "and nothing is lost" "$(ts-memory --scope user --json list | wc -l)" 200

# Killed while writing (crash-only).
: >acknowledged
# shellcheck disable=SC2016 # for the other shell
setsid sh -c 'i=0; while :; do i=$((i + 1))
	ts-memory remember "k $i" v >/dev/null 2>&1 && echo "k_$i" >>acknowledged; done' &
pid=$!
background_pids="$background_pids $pid"
wait_for 30 sh -c 'test "$(wc -l <acknowledged)" -ge 20'
kill -s KILL -- "-$pid"
wait "$pid" 2>/dev/null
ts-memory --json list | jq -r .key | sort >kept
is "what was acknowledged before kill -9 is kept" "$(sort acknowledged | comm -23 - kept)" ""
like "and the database is whole" "$(ts-session check)" "no damage was found"

# What is refused, and stays as it was.
refused() { # refused TITLE WORDS
	sum=$(cksum <other.db)
	must_fail 111 "$1" ts-memory --db other.db remember a b
	like "$1: it says why" "$(cat "$WORK/.fail-output")" "^ts-memory: .*$2"
	is "$1: it is left as it was" "$(cksum <other.db)" "$sum"
}
cp "$db" other.db
sqlite3 other.db 'PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
refused "a newer schema" "newer version"
rm -f other.db*
sqlite3 other.db 'CREATE TABLE notes(text)'
refused "another program's database" "another program"
rm -f other.db*
printf 'SQLite format 3\0and then something else' >other.db
refused "a truncated file" "'.*other.db': .*(damaged|no database)"
echo 'only a text, long enough to be taken for a header of a database, which it is not......................' >other.db
refused "a text" "no database"
rm -f other.db*
mkfifo pipe
must_fail 111 "a pipe" timeout 10 ts-memory --db pipe remember a b
like "a pipe: it says why" "$(cat "$WORK/.fail-output")" "not a regular file"
must_fail 111 "a directory" ts-memory --db "$WORK" remember a b
must_fail 111 "a place below a file" ts-memory --db "$SOURCE/Makefile/x.db" remember a b

# The disk is full: what does not fit is refused, what is there stays.
(
	ulimit -f "$((($(stat -c %s "$db") + 1023) / 512))"
	i=0
	while [ $i -lt 200 ]; do
		i=$((i + 1))
		ts-memory remember "full $i" "$(printf '%08000d' 0)" || exit
	done
) >full 2>&1
like "a full disk is told" "$(tail -n 1 full)" "^ts-memory: .*turnstone.db.*(space|too large|full or broken)"
ok "what was kept stays" sh -c 'ts-memory --json list | jq -r .key | grep -q "^first_1$"'
ok "and there is room again" ts-memory remember after all

# A place that cannot be written.
if [ "$sandbox" = yes ]; then
	sqlite3 "$db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	rm -f "$db-wal" "$db-shm"
	is "a read-only place can be read" \
		"$(bwrap --ro-bind / / --dev /dev ts-memory list all 2>&1 | tail -n 1 | tr -s ' ')" "after project all"
	must_fail 111 "but not written" bwrap --ro-bind / / --dev /dev ts-memory remember a b
	like "which is said" "$(cat "$WORK/.fail-output")" "^ts-memory: .*turnstone.db.*(written|forbid|Read-only)"
else
	skip "a read-only place" "needs a sandbox"
fi

# The index (C-22, C-23).
sqlite3 "$db" "INSERT INTO sessions(session_id, kind, directory) VALUES ('aaaabbbbcccc', 'chat', '/p');
	INSERT INTO conversations(session_id, turn, message)
	VALUES ('aaaabbbbcccc', 1, '{\"role\":\"user\",\"content\":\"the ptarmigan\"}')"
like "what another program writes is found" "$(ts-session search ptarmigan)" "the ptarmigan"
sqlite3 "$db" "UPDATE conversations SET message = '{\"role\":\"user\",\"content\":\"the capercaillie\"}'"
is "a changed text is not found by its old words" "$(ts-session search ptarmigan)" ""
like "but by its new ones" "$(ts-session search capercaillie)" "the capercaillie"
sqlite3 "$db" "DELETE FROM conversations_fts_docsize"
like "an index that ends too early is mended at the next start" "$(ts-session search capercaillie)" "the capercaillie"
sqlite3 "$db" "DELETE FROM conversations_fts_data WHERE id = 10"
like "one that cannot be read too" "$(ts-session search capercaillie)" "the capercaillie"

# Deleted words leave the file.
ts-memory remember bird corncrake >/dev/null
ts-memory forget bird >/dev/null 2>&1
is "a forgotten value is gone from the file" "$(cat "$db" "$db-wal" 2>/dev/null | strings | grep -c corncrake)" 0
like "the word is in the database" "$(cat "$db" "$db-wal" 2>/dev/null | strings | grep -c capercaillie)" '^[1-9]'
ok "the session is deleted" ts-session delete aaaabbbbcccc
is "its words are gone from the file" "$(cat "$db" "$db-wal" 2>/dev/null | strings | grep -c capercaillie)" 0
is "and from the index" "$(ts-session search capercaillie)" ""

done_testing
