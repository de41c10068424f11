#!/bin/sh
# ts-session: stored conversations, listed, shown, searched, named, deleted; the audit log.
. "${0%/*}/lib.sh"

db=$XDG_DATA_HOME/turnstone/turnstone.db
ts-memory remember a b # makes the database
sql() { sqlite3 -cmd '.timeout 5000' -cmd 'PRAGMA foreign_keys = ON' "$db" "$1"; }
session() { sql "INSERT INTO sessions(session_id, kind, directory, parent_session) VALUES ('$1', '${3:-chat}', '$2', ${4:-NULL})"; }
message() { # message SESSION JSON
	sql "INSERT INTO conversations(session_id, turn, message) VALUES ('$1', 1, '$2');
		UPDATE sessions SET updated = strftime('%Y-%m-%d %H:%M:%f', 'now', '+$3 seconds') WHERE session_id = '$1'"
}
session 11112222aaaa "$PWD"
session 11112222bbbb /elsewhere
session 33330000cccc "$PWD" task "'11112222aaaa'"
message 11112222aaaa '{"role":"user","content":"how do I build it?"}' 1
message 11112222aaaa '{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"bash","arguments":"{\"command\":\"make all\"}"}}]}' 1
sql "INSERT INTO conversations(session_id, turn, tool_name, message) VALUES ('11112222aaaa', 1, 'bash', '{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"cc -o x\u001b[31m\"}')"
message 11112222bbbb '{"role":"user","content":"東京の天気 make"}' 2

# Lists (C-28, C-32).
is "the last used first, agents left out" "$(ts-session --json list | jq -r .session_id | tr '\n' ' ')" "11112222bbbb 11112222aaaa "
is "agents too" "$(ts-session --json --all list | wc -l)" 3
is "of this directory" "$(ts-session --json --here list | jq -r .session_id)" 11112222aaaa
is "as many as asked for" "$(ts-session --json --limit 1 list | jq -r .session_id)" 11112222bbbb
must_fail 2 "a negative limit" ts-session --limit -1 list
like "the list for people has a heading" "$(ts-session list | head -n 1)" "^ID +NAME +USED"
like "and says what it is about" "$(ts-session list)" "^11112222aaaa  .* 3 +chat +how do I build it\\?$"

# Names (C-29, C-30, C-33).
must_fail 1 "an ambiguous prefix" ts-session show 1111
like "says what it may mean" "$(cat "$WORK/.fail-output")" "11112222bbbb, 11112222aaaa"
must_fail 1 "a pattern is none" ts-session show '1111%'
must_fail 1 "nor is this" ts-session delete '11112222____'
must_fail 1 "three characters are too few" ts-session show 333
must_fail 1 "a name that looks like an id" ts-session name 11112222a 11112222bbbb
must_fail 1 "a name that could be a prefix" ts-session name 11112222a 1111
must_fail 1 "a session that is not there" ts-session name nobody docs
ok "a name is given" ts-session name 11112222a docs
must_fail 1 "but to one only" ts-session name 11112222b docs
is "and found" "$(ts-session --json show docs | head -n 1 | jq -r '.alias, .session_id' | tr '\n' ' ')" "docs 11112222aaaa "

# Show.
is "the messages byte for byte" "$(ts-session --json show docs | sed -n 2p | sed 's/.*"message"://; s/}$//')" '{"role":"user","content":"how do I build it?"}'
is "a line for each" "$(ts-session --json show docs | jq -r .type | tr '\n' ' ')" "session message message message "
like "for people: what was said" "$(ts-session show docs)" "^    how do I build it"
like "what was called" "$(ts-session show docs)" "^  > bash"
ok "and nothing that moves a terminal" sh -c '! ts-session show docs | grep -q "$(printf "\033")"'

# Search (T-59).
found() { ts-session --json search "$@" | jq -r .session_id | sort -u | tr '\n' ' '; }
is "what was said" "$(found build)" "11112222aaaa "
is "what was called" "$(found '"make all"')" "11112222aaaa "
is "beginnings of words" "$(found mak*)" "11112222aaaa 11112222bbbb "
is "only whole words otherwise" "$(found mak)" ""
is "two ideographs" "$(found 天気)" "11112222bbbb "
is "a run of them with a word" "$(found 東京の make)" "11112222bbbb "
is "of this directory" "$(ts-session --here --json search make | jq -r .session_id)" 11112222aaaa
is "no language of queries" "$(found 'make OR NEAR(build)')" ""
is "nor of SQL" "$(found "x' OR '1'='1")" ""
must_fail 1 "bad bytes" ts-session search "$(printf '\377')"
like "the newest of everything" "$(ts-session --limit 1 search)" "東京の天気"

# Deleting (C-22, C-33).
ok "a session is deleted" ts-session delete docs
must_fail 1 "once" ts-session delete docs
is "and is no longer found" "$(found build)" ""
is "others are" "$(found make)" "11112222bbbb "
is "its messages and settings are gone" "$(sql "SELECT count(*) FROM conversations WHERE session_id = '11112222aaaa'")" 0

# One that is in use.
echo '{"times":"always","content":"An answer."}' >script.ndjson
start_mock --script script.ndjson
mkfifo commands
exec 8<>commands
background ts-chat --ndjson <commands >events 2>errors 8>&-
chat=$pid
echo '{"type":"send","message":"hello"}' >&8
wait_for 30 grep -q turn_complete events
live=$(jq -r 'select(.type == "session").session_id' events | head -n 1)
like "a session in use is listed as such" "$(ts-session list)" "^$live .*in use"
is "with the process" "$(ts-session --json list | jq -r "select(.session_id == \"$live\").pid")" "$chat"
must_fail 1 "and not deleted" ts-session delete "$live"
like "it says by whom it is used" "$(cat "$WORK/.fail-output")" "in use by process $chat"
exec 8>&-
wait "$chat"
ok "when it has ended it is deleted" ts-session delete "$live"

# The audit log.
is "no log is an empty one" "$(ts-session audit 2>/dev/null)" ""
cat >"$XDG_DATA_HOME/turnstone/audit.ndjson" <<'END'
{"type":"audit","event":"before","time":"2026-03-01T10:00:00.000Z","session_id":"11112222bbbb","call_id":"c1","name":"bash","arguments":{"command":"ls"},"decision":"allow","decided_by":"person"}
{"type":"audit","event":"after","time":"2026-03-01T10:00:01.000Z","session_id":"11112222bbbb","call_id":"c1","name":"bash","status":"ok","exit_code":0,"duration_ms":12}
{"type":"audit","event":"denied","time":"2026-03-01T10:00:02.000Z","session_id":"33330000cccc","parent_session":"11112222bbbb","call_id":"c2","name":"write_file","decision":"deny","decided_by":"policy","rule":"deny write_file"}
{"type":"audit","event":"after","time":"2026-03-01T10:00:03.000Z","session_id":"other","call_id":"c3","name":"math","status":"ok","duration_ms":1}
cut off
END
like "what ran, and how it ended" "$(ts-session audit)" "after +bash +ok in 12 ms, exit 0"
like "who decided" "$(ts-session audit)" "denied +write_file +deny by policy: deny write_file"
is "of a session and its agents" "$(ts-session --json audit 11112222b | jq -r .call_id | tr '\n' ' ')" "c1 c1 c2 "
is "the last lines" "$(ts-session --json --limit 2 audit | head -n 1 | jq -r .call_id)" c3
like "a line that is none is shown" "$(ts-session audit)" "^\\? .*cut off"

# Many messages: how long it takes is only told.
sql "INSERT INTO sessions(session_id, kind, directory) VALUES ('77770000dddd', 'chat', '/many');
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
	INSERT INTO conversations(session_id, turn, message) SELECT '77770000dddd', i, json_object('role',
		'user', 'content', 'message ' || i || ' of many about number' || (i % 997)) FROM n"
begun=$(date +%s%N)
is "one among twenty thousand" "$(ts-session --json search 'number500' '"message 500"' | wc -l)" 1
echo "# searched 20,000 messages in $((($(date +%s%N) - begun) / 1000000)) ms"
ok "they are deleted" ts-session delete 7777
like "and the index agrees" "$(ts-session check)" "no damage"

done_testing
