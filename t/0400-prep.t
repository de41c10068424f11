#!/bin/sh
# ts-tool-prep: names, arguments, paths, headers and previews of tool calls.
. "${0%/*}/lib.sh"

prepare() { # prepare 'CALL, ...' [options]: the items, one a line, in the file items
	calls=$1
	shift
	printf '{"type":"tool_batch","batch_id":"b","calls":[%s]}\n' "$calls" |
		timeout 20 ts-tool-prep "$@" >lines 2>errors
	jq -c 'select(.type == "prepared") | .items[]' lines >items
}
call() { jq -nc --arg n "$1" --arg a "$2" '{call_id: "1", name: $n, arguments: $a}'; }
item() { jq -r "$1" items; }

# Names and arguments.
prepare "$(call bash '{"command":"ls -l"}')"
is "a call keeps its arguments" "$(item '.arguments.command')" "ls -l"
is "bash needs approval" "$(item .needs_approval)" true
is "the header is the first line" "$(item .header)" "⚙ bash: ls -l"
is "nothing was repaired" "$(item '[.repaired, .outside, .error] | tostring')" '[false,false,null]'

prepare "$(call bash "$(printf '{"command":"ls\\necho one\\necho two"}')")"
like "further lines are counted" "$(item .header)" '^⚙ bash: ls \.\.\. \(2 more lines\)$'
is "and all of them are in the preview" "$(item .preview)" "$(printf 'ls\necho one\necho two')"

prepare "$(call nosuch 'ls'),$(call ' bash ' 'ls')"
like "T-8: the name is checked before the arguments" "$(item .error | head -n 1)" '^Unknown tool: nosuch\. '
is "a padded name is trimmed" "$(item .func_name | tail -n 1)" bash
prepare '{"call_id":"1","name":"bash","arguments":{"command":"a"}},{"call_id":"1","name":"bash","arguments":{"command":"b"}}'
like "an id that comes twice is refused" "$(item .error | tail -n 1)" "call id '1' is given twice"

prepare "$(call bash 'ls -l')"
is "a bare text becomes the one argument" "$(item .arguments.command)" "ls -l"
is "T-7: it is marked and asked" "$(item '[.repaired, .needs_approval] | tostring')" '[true,true]'
like "T-7: the preview says so" "$(item .preview)" 'arguments were repaired'
prepare "$(call read_file "{\"path\":\"a.txt\",}")"
is "T-7: a repaired call asks even where the tool would not" "$(item .needs_approval)" true

prepare "$(call write_file 'some text')"
like "T-9: no bare text where one argument is not enough" "$(item .error)" '^Error: the arguments are no JSON object'
prepare "$(call write_file "$(printf '{"path":"n","content":"a\nb"}')")"
is "T-5: all keys survive a repair" "$(item '[.arguments | keys[]] | sort | tostring')" '["content","path"]'
prepare "$(call bash '"ls"'),$(call bash '[1]' | sed 's/"1"/"2"/'),$(call bash 'null' | sed 's/"1"/"3"/')"
is "T-3: a JSON string is a bare text" "$(item .arguments.command | head -n 1)" ls
is "T-3: other JSON is an error of the call" "$(item 'select(.error) | .call_id' | tr '\n' ' ')" "2 3 "
prepare "$(call bash '{"command":"rm -rf /tmp/fo')"
like "half a command is never completed" "$(item .error)" 'cut off'
prepare "$(call bash '{"command":"grep \d x"}')"
is "T-6: a wrong escape is decoded as what it was meant to be" "$(item .arguments.command)" 'grep \d x'

prepare '{"call_id":"1","name":"search","arguments":{"query":"x","nonsense":1}}'
like "T-1: an unknown argument is named" "$(item .error)" "unknown argument 'nonsense'; there are: query"
prepare '{"call_id":"1","name":"bash","arguments":{"command":null}}'
like "T-4: null is an error of the call" "$(item .error)" "argument 'command': must be a string, not null"
prepare '{"call_id":"1","name":"bash","arguments":{}},{"call_id":"2","name":"bash"},{"call_id":"3","name":"bash","arguments":""}'
is "a missing argument is named" "$(item .error | uniq -c | sed 's/^ *//')" \
	"3 Error: argument 'command' is missing"
prepare '{"call_id":"1","name":"read_file","arguments":{"path":"a","offset":"5","limit":7.0}}'
is "T-4: a number given as text is read" "$(item '[.arguments.offset, .arguments.limit] | tostring')" '[5,7]'
prepare '{"call_id":"1","name":"read_file","arguments":{"path":"a","offset":0}}'
like "T-1: bounds are checked" "$(item .error)" "argument 'offset': must be at least 1, not 0"
prepare '{"call_id":"1","name":"bash","arguments":"{\"command\":\"ls\",\"command\":\"rm x\"}"}'
like "an argument given twice is refused" "$(item .error)" "argument 'command' is given twice"

prepare '{"id":"x9","type":"function","function":{"name":"bash","arguments":"{\"command\":\"ls\"}"}}'
is "OpenAI's form is read" "$(item '[.call_id, .arguments.command] | tostring')" '["x9","ls"]'

# Paths.
echo hello >a.txt
mkdir -p sub "$HOME/.ssh"
ln -s /etc sub/link
prepare '{"call_id":"1","name":"read_file","arguments":{"path":"sub/../a.txt"}}'
is "a path is resolved" "$(item .arguments.path)" "$PWD/a.txt"
is "and shown as seen from the project" "$(item .header)" "⚙ read_file: a.txt"
is "reading in the project asks nobody" "$(item .needs_approval)" false
prepare '{"call_id":"1","name":"read_file","arguments":{"path":"sub/link/hostname"}}'
like "a link is shown with where it leads" "$(item .header)" 'sub/link/hostname -> /etc/hostname'
is "T-21: outside the project is asked" "$(item '[.outside, .needs_approval] | tostring')" '[true,true]'
like "and said" "$(item .preview)" 'outside the project: /etc/hostname'
prepare '{"call_id":"1","name":"write_file","arguments":{"path":"sub/link/motd","content":"x"}}'
is "T-28: so is writing there" "$(item '[.outside, .needs_approval] | tostring')" '[true,true]'
prepare '{"call_id":"1","name":"write_file","arguments":{"path":"x","content":"x"}},{"call_id":"2","name":"bash","arguments":{"command":"true"}}' --tool-timeout 99
is "C-11: a tool's own time limit counts, else the configured one" "$(item .timeout | tr '\n' ' ')" "30 99 "
prepare '{"call_id":"1","name":"read_file","arguments":{"path":"~/.ssh/id_rsa"}}'
like "T-21: keys are off limits" "$(item .error)" "ssh/id_rsa' is off limits"
prepare "{\"call_id\":\"1\",\"name\":\"read_file\",\"arguments\":{\"path\":\"$XDG_CONFIG_HOME/turnstone/config.toml\"}}"
like "so is our own configuration" "$(item .error)" 'off limits'
prepare '{"call_id":"1","name":"read_file","arguments":{"path":".env"}}'
is "a file of secrets is asked" "$(item .needs_approval)" true
mkdir "$WORK/more"
prepare "{\"call_id\":\"1\",\"name\":\"read_file\",\"arguments\":{\"path\":\"$WORK/more/x\"}}" --root "$WORK/more"
is "a configured root is inside" "$(item '[.outside, .needs_approval] | tostring')" '[false,false]'
prepare "{\"call_id\":\"1\",\"name\":\"read_file\",\"arguments\":{\"path\":\"$XDG_STATE_HOME/turnstone/spill/x/1.txt\"}}"
is "kept output may be read unasked" "$(item .needs_approval)" false

# Lines.
printf '%s\n' 'no json' '{"type":"other","x":"ü"}' '' '{"type":"tool_batch","calls":3}' '[1]' \
	'{"type":"tool_batch","calls":[],"correlation_id":"c","room_chars":5}' | ts-tool-prep >lines
is "wrong lines are errors that name the line" "$(jq -r 'select(.type == "error") | .message' lines |
	sed 's/^\(ts-tool-prep: line [0-9]*\): .*/\1/')" \
	"$(printf 'ts-tool-prep: line 1\nts-tool-prep: line 4\nts-tool-prep: line 5')"
is "an unknown line passes unchanged" "$(sed -n 2p lines)" '{"type":"other","x":"ü"}'
is "members of the batch are kept" "$(tail -n 1 lines | jq -c '[.type, .correlation_id, .room_chars, .items]')" \
	'["prepared","c",5,[]]'
like "a missing batch_id is made" "$(tail -n 1 lines)" '"batch_id":"batch_[0-9a-f]{12}"'

{
	printf '{"type":"tool_batch","calls":[{"call_id":"1","name":"bash","arguments":{"command":"'
	head -c 9000000 /dev/zero | tr '\0' a
	printf '"}}]}\n{"type":"other"}\n'
} | ts-tool-prep >lines
like "a line that is too long is an error" "$(head -n 1 lines)" 'ts-tool-prep: line 1: longer than'
is "and the stream goes on" "$(tail -n 1 lines)" '{"type":"other"}'
mkdir "$WORK/tools"
cat >"$WORK/tools/note.json" <<'END'
{"name": "note", "description": "keep a note", "command": ["/bin/true"], "preview": "{text}",
 "header": "note[ for {whom}]", "primary_key": "text", "parameters": {"type": "object",
 "additionalProperties": false, "required": ["text"],
 "properties": {"text": {"type": "string"}, "whom": {"type": "string"}}}}
END
{
	printf '{"type":"tool_batch","batch_id":"big","calls":[{"call_id":"1","name":"note","arguments":{"text":"'
	head -c 2000000 /dev/zero | tr '\0' a
	printf '"}}]}\n'
} | ts-tool-prep --tools-dir "$WORK/tools" >lines
is "a preview that is too long is cut and says so" \
	"$(jq -r '.items[0] | [.truncated_preview, (.preview | length < 270000), (.arguments.text | length)] | tostring' lines)" \
	'[true,true,2000000]'
prepare '{"call_id":"1","name":"note","arguments":{"text":"x","whom":"me"}},{"call_id":"2","name":"note","arguments":{"text":"y"}}' \
	--tools-dir "$WORK/tools"
is "templates leave out what is not given" "$(item .header | tr '\n' ' ')" "⚙ note: note for me ⚙ note: note "

# Previews by the tool's program.
prepare '{"call_id":"1","name":"write_file","arguments":{"path":"a.txt","content":"new\n"}}'
like "a tool's program makes the preview" "$(item .preview)" '^\+new'
is "T-26: overwriting what was not read is named so" "$(item .approval_label)" overwrite_file
is "nothing was written" "$(cat a.txt)" hello
own_tool() { # own_tool NAME BODY: a tool whose program runs BODY
	printf '#!/bin/sh\n%s\n' "$2" >"$WORK/tools/$1.sh"
	chmod +x "$WORK/tools/$1.sh"
	printf '{"name":"%s","description":"x","command":["%s.sh"],"preview":true,%s}' "$1" "$1" \
		'"parameters":{"type":"object","additionalProperties":false,"properties":{}}' \
		>"$WORK/tools/$1.json"
}
own_tool touchy 'touch here 2>/dev/null; echo "{\"preview\":\"touched: $?\"}"'
own_tool failing 'echo broken pump >&2; exit 3'
own_tool garbled 'echo hello'
own_tool slow 'sleep 60'
chmod 755 "$WORK" "$WORK/tools"
prepare '{"call_id":"1","name":"touchy"}' --tools-dir "$WORK/tools"
is "a preview cannot write into the project" "$(item .preview) $(test -e here; echo $?)" "touched: 1 1"
prepare '{"call_id":"1","name":"failing"},{"call_id":"2","name":"garbled"},{"call_id":"3","name":"slow"}' \
	--tools-dir "$WORK/tools" --prepare-timeout 50
like "a preview that fails is an error with its reason" "$(item .error | sed -n 1p)" 'preview of failing failed'
like "so is one that is no JSON" "$(item .error | sed -n 2p)" 'preview of garbled'
like "and one that takes too long" "$(item .error | sed -n 3p)" 'preview of slow'

must_fail 2 "an operand is refused" ts-tool-prep x
must_fail 3 "a project that is not there is refused" ts-tool-prep --project /nowhere </dev/null

done_testing
