#!/bin/sh
# Tools that a project brings along: there only when a person trusts them, and as they were then.
. "${0%/*}/lib.sh"

mkdir repository repository/.git repository/deep
cd repository || exit 1
project=$PWD
tools=$project/.turnstone/tools
mkdir -p "$tools"

# define NAME [JQ-PROGRAM]: a definition, changed by the program.
define() {
	jq -n --arg name "$1" '{$name, description: "Say \($name) to the world.",
		parameters: {type: "object", properties: {word: {type: "string"}}, additionalProperties: false},
		command: ["./\($name)"], preview: true, auto_approve: true, read_only: true}'" | ${2:-.}" >"$tools/$1.json"
}
program() { # program NAME: the script is on stdin
	cat >"$tools/$1"
	chmod +x "$tools/$1"
}
# What ts-chat offers, and says.
offered() { ts-chat --no-stdin hello >"$WORK/events" 2>"$WORK/errors"; jq -cs '[.[]|select(.type=="request" and
	(.path|test("completions")))][-1].body.tools | map(.function.name) - '"$shipped" "$WORK/requests"; }
infos() { jq -r 'select(.type=="info").message' "$WORK/events"; }
# What a call of a tool gives: by ts-tool-exec, as if approved by a person.
call() {
	jq -cn --arg name "$1" '{type: "decided", batch_id: "b", items: [{call_id: "c", func_name: $name,
		arguments: {word: "x"}, decision: "allow", seen: true}]}' | ts-tool-exec |
		jq -r 'select(.type == "tool_result") | .status + ": " + .output'
}
shipped=$(jq -cs 'map(.name)' "$SOURCE"/tooldefs/*.json)

cat >"$WORK/script" <<'END'
{"match":{"role":"user","contains":"greet"},"tool_calls":[{"name":"greet","id":"g","arguments":{"word":"moon"}}]}
{"times":"always","content":"Done."}
END
start_mock --script "$WORK/script" --log "$WORK/requests"

is "no tools of a project" "$(offered) $(infos)" "[] "
define greet
program greet <<'END'
#!/bin/sh
if [ "$1" = prepare ]; then echo '{"preview":"hello"}'; else echo "hello $(cat)"; fi
END
is "not trusted, not offered" "$(offered)" "[]"
is "said once, and what to do" "$(infos)" \
	"the project's tools in '$tools' are not trusted and so not there: greet. Look at them, then run: ts-config trust '$tools'"
is "nothing on stderr" "$(cat "$WORK/errors")" ""
is "an agent does not say it again" "$(echo hello | ts-chat --agent task |
	jq -r 'select(.type=="info").message' | grep -c trusted)" 0
like "nor is it there when it is called" "$(call greet)" "^error: Unknown tool: greet"
like "a name on the command line: why it is not there" "$(ts-chat --tools greet --no-stdin hello 2>&1)" \
	"there is no tool 'greet'.*|not trusted and so not there: greet"

is "trust says what was trusted" "$(ts-config trust .turnstone/tools)" "greet: Say greet to the world.
    $tools/greet.json: trusted as it is now
    $tools/greet: trusted as it is now"
is "then it is offered" "$(offered) $(infos)" '["greet"] '
is "and runs" "$(call greet)" 'ok: hello {"word":"x"}'
is "also from below" "$(cd deep && offered)" '["greet"]'
is "it is asked about, whatever it says of itself" "$(echo '{"type":"tool_batch","calls":[{"name":"greet","arguments":"{}"}]}' |
	ts-tool-prep | jq -r '.items[0].needs_approval')" true
if [ "$sandbox" = yes ]; then
	is "its program makes the preview" "$(echo '{"type":"tool_batch","calls":[{"name":"greet","arguments":"{}"}]}' |
		ts-tool-prep | jq -r '.items[0].preview')" hello
fi

# A conversation.
ts-chat --skip-permissions --no-stdin greet >"$WORK/events"
is "in a conversation" "$(jq -c 'select(.type=="tool_result")|[.name,.status,.output]' "$WORK/events")" \
	'["greet","ok","hello {\"word\":\"moon\"}"]'

# A changed byte in any of them.
changed() { # changed TITLE FILE
	cp -p "$2" "$WORK/kept"
	printf '\n' >>"$2"
	is "$1 has changed: not offered" "$(offered)" "[]"
	like "$1 has changed: said" "$(infos)" "not there: greet\."
	like "$1 has changed: not run" "$(call greet)" "^error: Unknown tool"
	cp -p "$WORK/kept" "$2"
	is "$1 as it was: there again" "$(offered)" '["greet"]'
}
changed "the definition" "$tools/greet.json"
changed "the program" "$tools/greet"
mv "$tools/greet" "$tools/away"
is "the program is gone" "$(offered)" "[]"
mv "$tools/away" "$tools/greet"

# In the middle of a conversation.
mkfifo to
ts-tool-exec <to >"$WORK/running" &
running=$!
background_pids="$background_pids $running"
exec 8>to
decided() { echo '{"type":"decided","batch_id":"'"$1"'","items":[{"call_id":"'"$1"'","func_name":"greet","arguments":{},"decision":"allow","seen":true}]}' >&8; }
has_result() { grep -q '"tool_result".*"call_id":"'"$1"'"\|"call_id":"'"$1"'".*"tool_result"' "$WORK/running"; }
decided one
ok "a call runs" wait_for 20 has_result one
echo '# changed' >>"$tools/greet"
decided two
ok "a second one ends" wait_for 20 has_result two
exec 8>&-
wait "$running"
is "but was not run: the program has changed meanwhile" \
	"$(jq -r 'select(.type=="tool_result")|.status + ": " + .output' "$WORK/running" | tail -n 1)" \
	"error: It was not run: the project's tool has changed since it was trusted"
rm to

# Scripts behind an interpreter: the interpreter and the script are pinned too.
define script '.command = ["/bin/sh", ".turnstone/tools/script.sh"]'
echo 'echo script "$1"' >"$tools/script.sh"
ts-config trust .turnstone/tools >output
is "all files of a command are trusted" "$(sed -n '/^script/,$s/: trusted.*//p' output | tr -d ' ')" \
	"$tools/script.json
$(realpath /bin/sh)
$tools/script.sh"
is "a tool made of a script" "$(call script)" "ok: script run"
echo 'echo other' >"$tools/script.sh"
is "whose script has changed" "$(offered)" '["greet"]'
rm "$tools/script.json"
define elsewhere '.command = ["/bin/sh", "deploy.sh"]'
echo 'echo deployed' >deploy.sh
ts-config trust "$tools/elsewhere.json" >/dev/null
is "one tool can be trusted by its definition's name" "$(call elsewhere)" "ok: deployed"
echo 'echo more' >>deploy.sh
like "a script elsewhere in the project counts too" "$(call elsewhere)" "Unknown tool"
rm "$tools/elsewhere.json" deploy.sh

# What it can never do.
define bash
cp "$tools/greet" "$tools/bash"
ts-config trust "$tools/bash.json" >/dev/null
is "it takes no other tool's name" "$(offered)" '["greet"]'
like "and that is said" "$(infos)" "the project's tool 'bash' is left out: there is one of this name, '.*/bash.json'"
rm "$tools/bash.json"
mkdir -p "$XDG_CONFIG_HOME/turnstone/tools"
cp "$tools/greet.json" "$tools/greet" "$XDG_CONFIG_HOME/turnstone/tools"
echo 'echo mine' >"$XDG_CONFIG_HOME/turnstone/tools/greet"
is "nor that of the user's" "$(call greet)" "ok: mine"
rm -r "$XDG_CONFIG_HOME/turnstone/tools"
define free '.sandbox = "self"'
cp "$tools/greet" "$tools/free"
must_fail 1 "it does not confine itself" ts-config trust "$tools/free.json"
(cd "$tools" && sha256sum "$PWD/free.json" "$PWD/free") >>"$XDG_STATE_HOME/turnstone/trusted"
is "also when it is trusted by other ways" "$(offered)" '["greet"]'
like "and that is said too" "$(infos)" "only shipped tools may say \"self\""
rm "$tools/free.json"

# Odd files, names and places.
mkdir "$tools/folder.json"
ln -s /etc/passwd "$tools/link.json"
mkfifo "$tools/fifo.json"
echo '{' >"$tools/broken.json"
define "$(printf 'x\033[31mred')" 2>/dev/null
is "nothing else is loaded" "$(offered)" '["greet"]'
unlike "names reach nobody's terminal" "$(infos)" "$(printf '\033')"
like "all are named" "$(infos)" "not there: broken, fifo, folder, link, x.*red\."
must_fail 1 "a directory with one that is broken is not trusted" ts-config trust "$tools"
rm -r "$tools"/folder.json "$tools"/link.json "$tools"/fifo.json "$tools"/broken.json "$tools"/x*.json
is "no longer trusted" "$(ts-config untrust "$tools")" "$tools/greet.json: no longer trusted"
is "is not offered" "$(offered)" "[]"
must_fail 1 "nothing is left to distrust" ts-config untrust "$tools"
cp -R "$project/.turnstone" "$WORK/copy.turnstone"
ts-config trust "$tools" >/dev/null
mkdir "$WORK/other" "$WORK/other/.git" && mv "$WORK/copy.turnstone" "$WORK/other/.turnstone"
is "the same tools elsewhere are not trusted" "$(cd "$WORK/other" && offered)" "[]"
must_fail 1 "a directory without tools" ts-config trust "$project/deep"
like "tools are not trusted without being named" "$(ts-config trust 2>&1)" "for the tools, name them: '$tools'"

done_testing
