#!/bin/sh
# The tools in examples/tools: git_log, csv_query and disk_usage, as a person installs them.
. "${0%/*}/lib.sh"

tools=$XDG_CONFIG_HOME/turnstone/tools
mkdir -p "${tools%/*}"
cp -R "$SOURCE/examples/tools" "$tools"
ok "what is to be compiled compiles without a warning" make -s -C "$tools" CFLAGS='-O1 -Wall -Wextra -Werror'
is "the definitions are good" "$(ts-tool-prep --check "$tools" | cut -f 1 | tr '\n' ' ')" "csv_query disk_usage git_log "

prepared() { # prepared TOOL ARGUMENTS: the item
	jq -cn --arg name "$1" --argjson arguments "$2" '{type: "tool_batch", batch_id: "b",
		calls: [{call_id: "c", $name, $arguments}]}' | ts-tool-prep | jq -c '.items[0]'
}
call() { # call TOOL ARGUMENTS: status and output, and what a person gets
	jq -cn --arg name "$1" --argjson arguments "$2" '{type: "tool_batch", batch_id: "b",
		calls: [{call_id: "c", $name, $arguments}]}' | ts-tool-prep | ts-approve --skip-permissions |
		ts-tool-exec >"$WORK/lines"
	jq -r 'select(.type == "tool_result") | .status + ": " + .output + (if .display then "\n| " + .display else "" end)' \
		"$WORK/lines"
}

git init -q .
git config user.name Ann
git config user.email ann@example.org
for word in first second third; do
	echo "$word" >"$word"
	git add "$word"
	GIT_AUTHOR_DATE='2026-01-02 03:04:05 +0000' git commit -q -m "add the $word"
done
is "git_log: its header" "$(prepared git_log '{"path":"second","author":"Ann"}' | jq -r .header)" \
	"⚙ git_log: commits of second by Ann"
is "git_log: all" "$(call git_log '{"count":2}' | sed 's/[0-9a-f]\{7,\}/HASH/')" "ok: HASH 2026-01-02 Ann: add the third
HASH 2026-01-02 Ann: add the second"
is "git_log: of a file" "$(call git_log '{"path":"first"}' | sed 's/[0-9a-f]\{7,\}/HASH/')" "ok: HASH 2026-01-02 Ann: add the first"
is "git_log: with a word" "$(call git_log '{"word":"SECOND"}' | sed 's/[0-9a-f]\{7,\}/HASH/')" "ok: HASH 2026-01-02 Ann: add the second"
like "git_log: with the changes" "$(call git_log '{"count":1,"diff":true}')" "^\+third"
is "git_log: what looks like an option is none" "$(call git_log '{"author":"--output=stolen","word":"--all"}'; ls)" "ok: (no output)
first
second
third"
is "git_log: runs without asking" "$(prepared git_log '{}' | jq -r .needs_approval)" false

if [ -x /usr/bin/python3 ]; then
	printf '\357\273\277name,amount,"a ""note"""\nann,10,x\nbob,2.5\nann,5,"y,\nz"\n' >money.csv
	like "csv_query: its preview" "$(prepared csv_query '{"path":"money.csv","sql":"SELECT 1"}' | jq -r .preview)" \
		'SELECT 1|columns: name, amount, a "note"'
	is "csv_query: sums" "$(call csv_query '{"path":"money.csv","sql":"SELECT name, sum(amount) AS total FROM data GROUP BY name"}')" \
		"ok: name	total
ann	15
bob	2.5
| 2 rows"
	like "csv_query: a wrong query" "$(call csv_query '{"path":"money.csv","sql":"SELECT nobody FROM data"}')" \
		"^error: .*csv_query: no such column: nobody"
	like "csv_query: no query for rows" "$(call csv_query '{"path":"money.csv","sql":"DELETE FROM data"}')" "returns no rows"
	like "csv_query: no file" "$(prepared csv_query '{"path":"none.csv","sql":"SELECT 1"}' | jq -r .error)" "csv_query: .*No such file"
	: >empty.csv
	like "csv_query: an empty file" "$(call csv_query '{"path":"empty.csv","sql":"SELECT 1"}')" "no first line"
	{
		echo n
		seq 200001
	} >long.csv
	is "csv_query: long results are cut" "$(call csv_query '{"path":"long.csv","sql":"SELECT n FROM data"}' | tail -n 2)" \
		"[199001 more rows]
| 200001 rows"
	is "csv_query: progress" "$(jq -r 'select(.type == "info").message' "$WORK/lines")" "100000 rows read
200000 rows read"
	rm ./*.csv
else
	skip "csv_query" "there is no python3"
fi

mkdir -p big small
head -c 300000 /dev/urandom >big/one
head -c 1000 /dev/urandom >small/two
is "disk_usage: largest first" "$(call disk_usage '{}' | awk '{ print $NF }' | sed -n '2p;$p')" "big
entries"
is "disk_usage: some" "$(call disk_usage '{"path":"small","count":1}' | sed -n '2s/.* //p')" two
like "disk_usage: nothing there" "$(call disk_usage '{"path":"none"}')" "^error: disk_usage: read '.*/none': No such file"
like "disk_usage: outside the project it is asked about" "$(prepared disk_usage '{"path":"/usr"}' | jq -r .needs_approval)" true
must_fail 2 "disk_usage: wrong usage" "$tools/disk_usage" prepare
must_fail 2 "disk_usage: no arguments" sh -c 'echo "[1]" | "$1" run' sh "$tools/disk_usage"

# In a conversation.
cat >"$WORK/script" <<'END'
{"match":{"role":"user"},"tool_calls":[{"name":"disk_usage","id":"d","arguments":{"count":1}},{"name":"git_log","id":"g","arguments":{"count":1}}]}
{"match":{"role":"tool"},"content":"The last commit: {{last_tool_result}}"}
END
start_mock --script "$WORK/script"
like "in a conversation, asking nobody" "$(setsid -w ts-chat --no-stdin what is here | jq -r 'select(.type == "result").text')" \
	"The last commit: .*add the third"

done_testing
