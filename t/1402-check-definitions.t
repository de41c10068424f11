#!/bin/sh
# ts-tool-prep --check: every mistake of a definition with its file, its member, and what is allowed.
. "${0%/*}/lib.sh"

mkdir tools
printf '#!/bin/sh\n' >tools/run-me
chmod +x tools/run-me
# check JQ-PROGRAM: what is said of a good definition that the program spoiled, without the file.
check() {
	jq -n '{name: "a", description: "Does things.", parameters: {type: "object",
		properties: {path: {type: "string"}, count: {type: "integer"}}, additionalProperties: false},
		command: ["./run-me"]}'" | $1" >tools/a.json
	ts-tool-prep --check tools 2>&1 >/dev/null | sed "s|^ts-tool-prep: tool definition 'tools/a.json': ||"
	rm tools/a.json
}

is "a good one" "$(check .)" ""
is "a misspelt member" "$(check '.comand = .command')" "unknown member 'comand': did you mean 'command'?"
like "a strange one: all there are" "$(check '.colour = "red"')" "unknown member 'colour'; there are: name, description, parameters, command, timeout, .*"
is "a misspelt keyword" "$(check '.parameters.properties.count.minimun = 1')" \
	"member 'parameters': schema.count: keyword 'minimun' is not supported: did you mean 'minimum'?"
like "one that nothing would enforce" "$(check '.parameters.properties.path.oneOf = []')" \
	"schema\.path: keyword 'oneOf' is not supported, as nothing here would enforce it; there are: type, description, .*, additionalProperties"
is "a misspelt type" "$(check '.parameters.properties.path.type = "str"')" \
	"member 'parameters': schema.path: 'type' must be string, integer, number, boolean, array or object"
is "an open schema" "$(check 'del(.parameters.additionalProperties)')" \
	"member 'parameters': schema: 'additionalProperties' must be there, and false"
is "something required that is not there" "$(check '.parameters.required = ["pth"]')" \
	"member 'parameters': schema: 'required' names 'pth', which is no property"
is "no description" "$(check 'del(.description)')" "member 'description' is missing"
is "no program" "$(check 'del(.command)')" "member 'command' is missing: a list, the program first"
is "a program as a text" "$(check '.command = "run-me"')" "member 'command': must be a list of at most 64 texts"
is "another name than the file's" "$(check '.name = "b"')" "member 'name': the file of 'b' must be called 'b.json'"
is "a text for a flag" "$(check '.network = "no"')" "member 'network': must be true or false"
is "a path that is no parameter" "$(check '.paths = ["file"]')" "member 'paths': there is no parameter 'file' of type string"
is "a key that is none" "$(check '.primary_key = "file"')" "member 'primary_key': there is no parameter 'file'"
like "a template with an unknown argument" "$(check '.header = "{file}"')" "^member 'header': .*file"
is "an unknown sandbox" "$(check '.sandbox = "none"')" 'member '"'sandbox'"': must be "workspace", "strict" or "self"'
is "one that is not for others" "$(check '.sandbox = "self"')" "member 'sandbox': only shipped tools may say \"self\""
is "a program that is not there" "$(check '.command = ["./away"]')" \
	"member 'command': the program '$PWD/tools/away': No such file or directory"
: >tools/plain
is "one that may not be executed" "$(check '.command = ["./plain"]')" \
	"member 'command': '$PWD/tools/plain' may not be executed: chmod +x it"
printf '{\n  "name": "a",\n  "description": 3,,\n}\n' >tools/a.json
is "no JSON: the line and the place" "$(ts-tool-prep --check tools 2>&1)" \
	"ts-tool-prep: tool definition 'tools/a.json': invalid JSON in line 3 at byte 20: a key is expected"
printf '{"name": "a"}' >tools/b.json
is "every file is looked at" "$(ts-tool-prep --check tools 2>&1 | wc -l)" 2
must_fail 1 "and the exit code tells" ts-tool-prep --check tools
rm tools/*.json
is "none" "$(ts-tool-prep --check tools 2>&1)" "ts-tool-prep: there is no definition, NAME.json, in 'tools'"
must_fail 1 "no directory" ts-tool-prep --check nowhere
is "our own are good" "$(ts-tool-prep --check "$BUILD/share/turnstone/tooldefs" 2>&1 | wc -l)" \
	"$(find "$SOURCE/tooldefs" -name '*.json' | wc -l)"

# The same sentences where tools are used.
echo '{"name": "c"}' >tools/c.json
is "a program that needs the tools says it too" "$(ts-tool-prep --tools-dir tools </dev/null 2>&1)" \
	"ts-tool-prep: tool definition 'tools/c.json': member 'description' is missing"

done_testing
