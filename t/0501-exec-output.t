#!/bin/sh
# What a command prints: bounded, whole in a file, safe as text.
. "${0%/*}/lib.sh"

mode=auto
ts-jail --explain >/dev/null 2>&1 || mode=off
decided() { # decided COMMAND [MEMBERS-OF-BATCH]
	jq -cn --arg c "$1" "{type: \"decided\", batch_id: \"b\", items: [{call_id: \"c/1\", func_name: \"bash\",
		arguments: {command: \$c}, decision: \"allow\"}]${2:+, $2}}"
}
run() { timeout -s KILL 60 ts-tool-exec --sandbox $mode "$@"; }
result() { jq -c 'select(.type == "tool_result")'; }

decided 'seq 1 2000000' | run --tool-truncation 1000 >out
result <out >result
path=$(jq -r .spill_path result)
like "14 MB: what is left out is said" "$(jq -r .output result)" '^\[\.\.\. [0-9]+ bytes left out here, the limit is 1000 characters; the full output is in /'
is "the beginning and the end" "$(jq -r .output result | sed -n '1p;$p' | tr '\n' ' ')" "1 2000000 "
ok "within the limit" test "$(jq -r '.output | length' result)" -lt 1400
is "all of it is in the file" "$(cksum <"$path")" "$(seq 1 2000000 | cksum)"
is "which is private" "$(stat -c %a "$path")" 600
case $path in "$XDG_STATE_HOME"/turnstone/spill/*/c_1.txt) ok "and has the call's name" true ;; *) is "its path" "$path" "" ;; esac
ok "what is shown while it runs is bounded" test "$(jq -rj 'select(.type == "tool_output_chunk").chunk' out | wc -c)" -lt 300000

decided 'seq 1 300' | run --tool-truncation 100 | result >result
is "a little too much: characters are counted" "$(jq -r '.output | capture("(?<n>[0-9]+) characters left out").n' result)" 991
is "and kept in a file too" "$(cat "$(jq -r .spill_path result)")" "$(seq 1 300)"
decided 'seq 1 3' | run --tool-truncation 5 | result >result
is "what fits is whole" "$(jq -r .output result)$(jq -r .spill_path result)" "1
2
3null"
decided 'printf ééééé' | run --tool-truncation 5 | result >result
is "characters, not bytes" "$(jq -r .output result)" ééééé

decided 'seq 1 100000' 'room_chars: 3000' | run | result >result
ok "the room that is left bounds it" test "$(jq -r '.output | length' result)" -lt 3400
decided 'seq 1 100000' 'room_chars: 0' | run | result >result
like "no room: the file is named" "$(jq -r .output result)" '^\[it ran; its output of 588895 bytes does not fit .* it is in /'
decided 'seq 1 100000; exit 3' 'room_chars: 0' | run | result >result
like "a failure may always say 2 KiB" "$(jq -r '.output | length' result)" '^2[0-9]{3}$'
like "with its exit code" "$(jq -r .output result | tail -n 1)" '^\[exit code: 3\]$'

decided 'printf "a\0b\377c\n"; echo é' | run | result >result
is "NUL and bytes that are no text are replaced and counted" "$(jq -r .output result)" "a␀b�c
é
[binary output: 2 bytes that are no text were replaced]"
decided 'head -c 3000000 /dev/urandom' | run --tool-truncation 2000 >out
ok "random bytes are valid lines" jq -es 'length > 1' out
is "the file has the bytes themselves" "$(wc -c <"$(result <out | jq -r .spill_path)")" 3000000
decided 'head -c 9000000 /dev/zero | tr "\0" x' | run >out
ok "a line of 9 MB comes in parts" jq -es 'map(select(.type == "tool_output_chunk").chunk | length) | max <= 4096' out
decided 'printf é%.0s $(seq 5000)' | run >out
is "parts are cut between characters" "$(jq -rj 'select(.type == "tool_output_chunk").chunk' out | tr -d 'é')" ""

mkdir -p "$XDG_STATE_HOME/turnstone/spill/old"
touch -d '8 days ago' "$XDG_STATE_HOME/turnstone/spill/old"
decided 'seq 1 300' | run --tool-truncation 100 >/dev/null
ok "files of last week are removed" test ! -e "$XDG_STATE_HOME/turnstone/spill/old"

done_testing
