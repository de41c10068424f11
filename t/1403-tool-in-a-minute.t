#!/bin/sh
# "A tool in a minute" of tooldef(5), as printed: the model can use what it makes.
. "${0%/*}/lib.sh"

awk '/^\.Ss A tool in a minute/ { here = 1 } here && /^\.Ed/ { exit }
	text { gsub(/\\e/, "\\"); print } here && /^\.Bd/ { text = 1 }' "$SOURCE/man/tooldef.5" >example
sh -eu example >output 2>errors
is "it works when it is pasted" "$? $(cat errors)" "0 "
is "the definition is good" "$(sed -n 1p output | cut -f 1)" count_words
is "by hand" "$(sed -n 2p output)" "3 text"
like "as a model calls it, the sandbox around it" "$(sed -n '3,$p' output | jq -r 'select(.type == "tool_result") | .status + ": " + .output')" \
	"^ok: 3 .*/text"
cat >"$WORK/script" <<'END'
{"match":{"role":"user"},"tool_calls":[{"name":"count_words","id":"w","arguments":{"path":"text"}}]}
{"match":{"role":"tool"},"content":"It is {{last_tool_result}}"}
END
start_mock --script "$WORK/script"
like "in a conversation" "$(setsid -w ts-chat --no-stdin how many words | jq -r 'select(.type == "result").text')" "^It is 3 "

done_testing
