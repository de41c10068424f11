#!/bin/sh
# ts-tool-exec: what is left of the context window is for all results of a batch together.
. "${0%/*}/lib.sh"

tools=$XDG_CONFIG_HOME/turnstone/tools
mkdir -p "$tools"
# All four wait for each other, so that they do run at the same time.
cat >"$tools/print" <<'END'
#!/bin/sh
request=$(cat)
: >"started.$TS_CALL_ID"
n=0
while [ $n -lt 200 ] && set -- started.* && [ $# -lt 4 ]; do
	sleep 0.05
	n=$((n + 1))
done
case $request in *big*) seq 1 20000 ;; *) echo small ;; esac
case $request in *fail*) echo 'it failed' >&2 && exit 1 ;; esac
END
chmod +x "$tools/print"
printf '{"name":"print","description":"a tool that is used by a test","parameters":{"type":"object",
	"properties":{"a":{"type":"string"}},"additionalProperties":false},"command":["print"],"read_only":true}' \
	>"$tools/print.json"
printf '#!/bin/sh\ncase $(cat) in *big*) seq 1 20000 ;; *) echo small ;; esac\n' >"$tools/in_order"
chmod +x "$tools/in_order"
sed 's/"print"/"in_order"/g; s/"read_only":true/"parallel":false/' "$tools/print.json" >"$tools/in_order.json"

# batch ROOM WHAT WHAT WHAT WHAT
batch() {
	rm -f started.*
	printf '{"type":"decided","batch_id":"b","room_chars":%s,"items":[' "$1"
	shift
	n=0
	for what; do
		[ $n = 0 ] || printf ,
		n=$((n + 1))
		printf '{"call_id":"%s","func_name":"print","arguments":{"a":"%s"},"decision":"allow"}' $n "$what"
	done
	echo ']}'
}
run() { timeout -s KILL 60 ts-tool-exec --sandbox off "$@" | jq -c 'select(.type == "tool_result")' >results; }
lengths() { jq '.output | length' results | sort -n; }
total() { jq -s 'map(.output | length) | add' results; }
notes=240 # characters of one note about what was left out

batch 12000 big big big big | run
is "four big ones at once: four results" "$(wc -l <results)" 4
ok "together they keep to the room" test "$(total)" -le $((12000 + 4 * notes))
ok "and each has its part of it" test "$(lengths | head -n 1)" -ge 2800
is "with its beginning and its end" "$(jq -r '.output | split("\n") | .[0] + " " + .[-1]' results | sort -u)" "1 20000"
is "and the file that has it all" "$(jq -r .spill_path results | while read -r file; do
	grep -qF "$file" results && wc -l <"$file"
done | sort -u)" 20000

batch 12000 small small small big | sed 's/"print"/"in_order"/g' | run
ok "what the small ones do not need is for the big one after them" test "$(lengths | tail -n 1)" -ge 11900
batch 12000 small big small small | run --tool-truncation 1000
ok "but no more than was chosen" test "$(lengths | tail -n 1)" -le $((1000 + notes))
batch 1000000 big big big big | run
is "room enough: all of it" "$(jq -r .spill_path results | sort -u)" null

batch 400 'big fail' 'big fail' 'big fail' 'big fail' | run
ok "failures say 2 KiB each, whatever the room" test "$(lengths | head -n 1)" -ge 2048
is "and why" "$(jq -r '.output | split("\n")[-1]' results | sort -u)" "it failed"
batch 400 big big big big | run
like "successes without room name the file" "$(jq -r .output results | sort -u | head -n 1)" '^\[it ran; its output of 108894 bytes does not fit .* it is in /.*\.txt\]$'
batch 2000 'big fail' big big big | run
ok "a failure that takes the room leaves the others their names" \
	test "$(jq -s 'map(select(.status == "ok").output | length) | add' results)" -le 2600

done_testing
