#!/bin/sh
# Ways round a question or a sandbox: by errors, and by what a tool in the sandbox leaves for one
# that a person approved.
# shellcheck disable=SC2016 # commands for bash
. "${0%/*}/lib.sh"
need_sandbox

prepared() { # TOOL ARGUMENTS
	jq -nc --arg t "$1" --arg a "$2" \
		'{type: "tool_batch", calls: [{call_id: "c1", name: $t, arguments: $a}]}' | timeout 30 ts-tool-prep
}
result() { jq -c 'select(.type == "tool_result")'; }

# An edit that fails quotes the file: not before somebody allowed it.
printf 'machine example.com\nlogin joe\npassword hunter2\n' >"$HOME/credentials"
cp "$HOME/credentials" .env
for path in "$HOME/credentials" .env; do
	prepared edit_file "{\"path\":\"$path\",\"old_string\":\"login joe\\npassword x\",\"new_string\":\"\"}" >"batch"
	got=$(ts-approve --ask never <"batch" | timeout 30 ts-tool-exec | result)
	is "a wrong edit of $path is asked about" "$(printf '%s\n' "$got" | jq -r .status)" denied
	unlike "and tells the model nothing" "$got" hunter2
	like "a person sees why it would fail" "$(jq -r '.items[0].preview' batch)" 'would fail: edit .* is not in the file'
done
prepared edit_file '{"path":"~/credentials","old_string":"login joe\npassword x","new_string":""}' >"batch"
unlike "nor does a flag for all calls tell" "$(ts-approve --skip-permissions <"batch" | timeout 30 ts-tool-exec | result)" hunter2
is "whether a file is there is not told either" \
	"$(prepared edit_file '{"path":"~/nothing","old_string":"a","new_string":"b"}' | ts-approve --ask never |
		timeout 30 ts-tool-exec | result | jq -r .status)" denied

# Output that was too long is kept for who was told where; not for others.
spill=$XDG_STATE_HOME/turnstone/spill
mkdir -p "$spill/aabbccddeeff" && chmod -R go= "$XDG_STATE_HOME"
echo 'of another' >"$spill/aabbccddeeff/c1.txt"
unasked() { prepared "$@" | ts-approve --ask never | timeout 30 ts-tool-exec | result | jq -r .output; }
for path in "$spill" "$spill/." "$spill/aabbccddeeff/.." "$spill/*"; do
	unlike "not found by a search in $path" "$(unasked search "{\"query\":\"another\",\"path\":\"$path\"}")" 'of another'
done
like "but by its name" "$(unasked read_file "{\"path\":\"$spill/aabbccddeeff/c1.txt\"}")" 'of another'

# The state directory is shared by calls inside and outside of a sandbox.
TS_STATE_DIR=$XDG_RUNTIME_DIR/turnstone/state-test
export TS_STATE_DIR
mkdir -p "$TS_STATE_DIR" && chmod 700 "$XDG_RUNTIME_DIR/turnstone" "$TS_STATE_DIR"
run() { # unseen|seen TOOL ARGUMENTS
	seen=$([ "$1" = seen ] && echo true || echo false)
	prepared "$2" "$3" | jq -c --argjson s "$seen" \
		'.type = "decided" | .items[] += {decision: "allow", decided_by: (if $s then "person" else "policy" end), seen: $s}' |
		timeout 30 ts-tool-exec | result
}
state='$(findmnt -no TARGET -l | grep state-test)'
echo 'precious' >"$HOME/.profile"
is "a script in the sandbox can put a link there" \
	"$(run unseen bash "{\"command\":\"trap - EXIT; d=$state; rm -rf \$d/*; ln -s $HOME/.profile \$d/directory; ln -s $HOME \$d/reads\"}" |
		jq -r '[.status, .sandbox] | join(" ")')" "ok workspace"
is "it stands" "$(readlink "$TS_STATE_DIR/directory")" "$HOME/.profile"
echo text >file
run seen read_file '{"path":"file"}' >seen-read
is "a read that a person saw runs outside" "$(jq -r '[.status, .sandbox] | join(" ")' seen-read)" "ok off"
is "and notes nothing elsewhere" "$(find "$HOME" -maxdepth 1 -type f | sort | tr '\n' ' ')" \
	"$HOME/.profile $HOME/credentials "
is "a script that a person saw runs" "$(run seen bash '{"command":"echo ran"}' | jq -r .output)" ran
is "and writes through no link" "$(cat "$HOME/.profile")" precious
rm -rf "$TS_STATE_DIR/directory" "$TS_STATE_DIR/reads"
mkfifo "$TS_STATE_DIR/directory"
mkdir "$TS_STATE_DIR/reads" && mkfifo "$TS_STATE_DIR/reads/$(printf '%s' "$PWD/file" | sha256sum | cut -c 1-64)"
is "a pipe there holds up no script" "$(run seen bash '{"command":"echo ran","timeout":5}' | jq -r '.status')" ok
run seen read_file '{"path":"file"}' >seen-read
is "and no read" "$(jq -r '.status' seen-read)" ok
is "which is noted in its place" \
	"$(run seen edit_file '{"path":"file","old_string":"text","new_string":"x"}' | jq -r .status)" ok

done_testing
