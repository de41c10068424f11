#!/bin/sh
# What holds for every tool: one definition, one executable, and a description of everything that
# the model is told about.
. "${0%/*}/lib.sh"

for definition in "$SOURCE"/tooldefs/*.json; do
	[ -f "$definition" ] || skip_all "no tool is defined"
	name=${definition##*/}
	name=${name%.json}
	ok "$name: is one JSON object" jq -es 'length == 1 and (.[0] | type) == "object"' "$definition"
	is "$name: its name is the file's" "$(jq -r .name "$definition")" "$name"
	ok "$name: is described" jq -e '.description | type == "string" and length > 20' "$definition"
	ok "$name: takes an object and nothing else in it" jq -e \
		'.parameters | .type == "object" and .additionalProperties == false' "$definition"
	is "$name: every parameter has a type" "$(jq -r \
		'.parameters.properties | to_entries[] | select(.value.type == null) | .key' \
		"$definition")" ""
	is "$name: what is required exists" "$(jq -r \
		'.parameters as $p | $p.required // [] | .[] | select($p.properties[.] == null)' \
		"$definition")" ""
	is "$name: what it calls a path or its key exists" "$(jq -r '.parameters.properties as $p |
		((.paths // []) + [.primary_key // empty])[] | select($p[.] == null)' "$definition")" ""
	is "$name: only known keys" "$(jq -r 'keys - ["name", "description", "parameters", "agent",
		"task_agent", "starts_agent", "needs", "auto_approve", "primary_key", "command", "timeout", "sandbox", "network",
		"header", "preview", "paths", "read_only", "parallel", "stream", "state"] | .[]' \
		"$definition")" ""
	ok "$name: its program is built" test -x \
		"$BUILD/libexec/turnstone/tools/$(jq -r '.command[0]' "$definition")"
	ok "$name: turnstone(7) names it" grep -q "^\.It Cm $name\$" "$SOURCE/man/turnstone.7"
	awk -v name="$name" '/^[.]Sh / { on = tolower($2) == name } on' \
		"$SOURCE/man/turnstone-tools.7" >section
	is "$name: turnstone-tools(7) names its arguments" "$(jq -r '.parameters.properties | keys[]' \
		"$definition" | while read -r argument; do
			grep -qE "^[.](It )?Va (.* )?$argument( |$)" section || echo "$argument"
		done)" ""
	ok "$name: a test names it" sh -c '
		for file in "$1"/t/*.t; do
			case $file in */000[0-9]-*) ;; *) grep -qw -e "$2" "$file" && exit 0 ;; esac
		done
		exit 1' sh "$SOURCE" "$name"
done

for program in "$BUILD"/libexec/turnstone/tools/*; do
	name=${program##*/}
	[ -f "$SOURCE/cmd/tools/$name.c" ] || [ -f "$SOURCE/sh/tools/$name" ] || continue
	ok "$name: a definition uses it" sh -c 'jq -r ".command[0]" "$1"/*.json | grep -qxF "$2"' \
		sh "$SOURCE/tooldefs" "$name"
done

done_testing
