#!/bin/sh
# ts-tool-exec: the audit log.
. "${0%/*}/lib.sh"

tools=$XDG_CONFIG_HOME/turnstone/tools
mkdir -p "$tools"
tool() { # tool NAME [MEMBERS] < script
	cat >"$tools/$1" && chmod +x "$tools/$1"
	printf '{"name":"%s","description":"a tool that is used by a test","parameters":{"type":"object",
		"properties":{"a":{"type":"string"}},"additionalProperties":false},"command":["%s"]%s}' \
		"$1" "$1" "${2:-}" >"$tools/$1.json"
}
tool look <<'END'
#!/bin/sh
echo "ran" >>ran
cat "$TS_PROJECT/log" 2>/dev/null
echo four
exit 3
END
tool sleeper <<'END'
#!/bin/sh
exec sleep 50
END
log=$XDG_DATA_HOME/turnstone/audit.ndjson
unset TURNSTONE_DB # wherever that leads: this is about the default

mode=auto
ts-jail --explain >/dev/null 2>&1 || mode=off
run() { timeout -s KILL 30 ts-tool-exec --sandbox $mode; }
item() { # item ID TOOL ARGUMENTS [MEMBERS]
	printf '{"call_id":"%s","func_name":"%s","arguments":%s,"decision":"allow","decided_by":"policy","error":null%s}' \
		"$1" "$2" "$3" "${4:-}"
}
batch() { # batch ITEM...
	printf '{"type":"decided","batch_id":"b1","items":['
	separator=
	for one; do
		printf '%s%s' "$separator" "$one"
		separator=,
	done
	echo ']}'
}

batch "$(item 1 look '{"a":"x"}' ',"rule":"allow 2","reason":"fine"')" |
	TS_SESSION_ID=abc TS_PARENT_SESSION=def run >out
is "a line before" "$(sed -n 1p "$log" | jq -c 'del(.time, .pid, .sandbox)')" \
	'{"type":"audit","event":"before","session_id":"abc","parent_session":"def","call_id":"1","batch_id":"b1","name":"look","arguments":{"a":"x"},"decision":"allow","decided_by":"policy","rule":"allow 2","reason":"fine","directory":"'"$PWD"'"}'
is "where it runs" "$(sed -n 1p "$log" | jq -r .sandbox)" "$([ $mode = off ] && echo off || echo workspace)"
like "when" "$(sed -n 1p "$log" | jq -r .time)" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$'
is "and one after" "$(sed -n 2p "$log" | jq -c 'del(.time, .duration_ms)')" \
	'{"type":"audit","event":"after","session_id":"abc","parent_session":"def","call_id":"1","batch_id":"b1","name":"look","status":"error","exit_code":3,"output_bytes":5}'
is "nobody else may read it" "$(stat -c '%a %a' "$log") $(stat -c %a "${log%/*}")" "600 600 700"

# What is not run.
rm "$log"
batch "$(item 1 look '{"a":"x"}' | sed 's/allow/deny/; s/policy/person/; s/}$/,"feedback":"no"}/')" \
	"$(item 2 look '{}' | sed 's/"error":null/"error":"wrong"/')" "$(item 3 no_such_tool '{}')" | run >out
is "a denial is one line; what could never run is none" \
	"$(jq -c '[.event, .call_id, .decision, .decided_by, .feedback]' "$log")" '["denied","1","deny","person","no"]'

# Keys.
rm "$log"
export MY_SERVICE_TOKEN=my-own-s3cret-value
batch "$(item 1 look '{"a":"curl -H \"Authorization: Bearer abcdefgh12345678\" https://u:p4ss@h/ my-own-s3cret-value sk-abcdefghijklmnop1234 PASSWORD=hunter2"}' \
	',"reason":"key sk-abcdefghijklmnop1234"')" | OPENAI_API_KEY=plain-old-key run >out
is "keys are taken out" "$(grep -c -e abcdefgh12345678 -e p4ss -e s3cret -e ghijklmnop -e hunter2 "$log")" 0
is "what ran is still to be seen" "$(head -n 1 "$log" | jq -r .arguments.a | cut -c 1-31)" 'curl -H "Authorization: [redact'
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<'END'
[api]
api_key = "an-odd-looking-one"
END
chmod 600 "$XDG_CONFIG_HOME/turnstone/config.toml"
batch "$(item 1 look '{"a":"echo an-odd-looking-one"}')" | run >out
is "also the one of the configuration" "$(grep -c an-odd "$log")" 0
rm "$XDG_CONFIG_HOME/turnstone/config.toml"

# Bounds.
rm "$log"
long=$(head -c 100000 /dev/zero | tr '\0' 'x')
batch "$(item 1 look "{\"a\":\"$long\"}" ",\"reason\":\"$long\"")" | run >out
is "long arguments are cut, and it is said" \
	"$(head -n 1 "$log" | jq -c '[(.arguments | type, length), .arguments_bytes, (.reason | length)]')" \
	'["string",16384,100008,1024]'
is "every line is a line" "$(jq -c .event "$log" | tr -d '\n')" '"before""after"'

# A log that cannot be written: nothing runs.
rm -f "$log" ran
refused() { # refused TITLE PATTERN
	batch "$(item 1 look '{}')" | run >out 2>"$WORK/stderr"
	like "$1: not run, and said why" "$(jq -r 'select(.type == "tool_result") | .status + " " + .output' out)" "$2"
	ok "$1: it did not run" test ! -e ran
}
mkdir "$log"
refused "a directory in its place" '^error It was not run: the audit log cannot be written: .*audit\.ndjson'
rmdir "$log"
ln -s /dev/null "$log"
refused "a link in its place" '^error It was not run: the audit log cannot be written: open .*Too many levels'
rm "$log"
mkfifo "$log"
refused "a pipe in its place" 'is no regular file$'
rm "$log"
printf 'x' >"$log.full"
head -c 1048576 /dev/zero | tr '\0' '\n' >"$log"
(ulimit -f 2048 && trap '' XFSZ && batch "$(item 1 look '{}')" | run >out 2>/dev/null)
is "a file at its limit" "$(jq -r 'select(.type == "tool_result") | .output' out | grep -c 'audit log cannot be written: write')" 1
rm -f "$log" "$log.full" ran

# A line that was cut off by a crash.
printf '{"type":"audit","event":"bef' >"$log"
batch "$(item 1 look '{}')" | run >out
is "a line that was cut off does not spoil the next" "$(sed 1d "$log" | jq -r .event | tr '\n' ' ')" "before after "

# Many at once, each whole.
rm "$log"
for n in 1 2 3 4 5 6; do
	batch "$(item "$n" look '{}')" "$(item "$n$n" look '{}')" | run >"out.$n" &
done
wait
is "six writers: every line whole" "$(jq -r .event "$log" | sort | uniq -c | tr -s ' ' | tr '\n' ';')" " 12 after; 12 before;"

# What was killed has a beginning and no end.
rm "$log"
mkfifo in
ts-tool-exec --sandbox $mode <in >out &
pid=$!
exec 9>in
batch "$(item 1 sleeper '{}')" >&9
ok "a call begins" wait_for 10 grep -q before "$log"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
exec 9>&-
is "killed: the log says that it began" "$(jq -r .event "$log")" before

# A reader that leaves.
rm "$log"
tool shout ',"stream":true' <<'END'
#!/bin/sh
echo begun
exec sleep 50
END
batch "$(item 1 shout '{}')" | run | head -c 1 >/dev/null
ok "a reader that left: the end is written down" wait_for 10 grep -q '"status":"interrupted"' "$log"

# Where the database is.
mkdir -m 755 "$WORK/elsewhere"
batch "$(item 1 look '{}')" | TURNSTONE_DB=$WORK/elsewhere/my.db run >out
is "beside the database" "$(jq -r .event "$WORK/elsewhere/audit.ndjson" | tr '\n' ' ')" "before after "
is "a directory that somebody chose stays as it is" "$(stat -c '%a' "$WORK/elsewhere") $(stat -c '%a' "$WORK/elsewhere/audit.ndjson")" "755 600"

# No tool can write to it.
if [ $mode = auto ]; then
	rm -f "$log"
	printf '#!/bin/sh\necho forged >>"$1/audit.ndjson"; cat "$1"/*; ls -A "$1"; true\n' >"$tools/look"
	sed -i "s|\"command\":\[\"look\"\]|\"command\":[\"look\",\"${log%/*}\"]|" "$tools/look.json"
	batch "$(item 1 look '{}')" | run >out
	is "a jailed call can neither read nor write it" "$(grep -c forged "$log") $(grep -c before out)" "0 0"
fi

done_testing
