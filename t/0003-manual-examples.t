#!/bin/sh
# The EXAMPLES of the manual pages work when pasted.
#
# In an EXAMPLES section a line of a literal display that begins with '$ ' is a command; a line
# that begins with '> ' continues it. It is run as a reader would run it, in a project with a few
# files and with ts-mock-llm as the model, and has to succeed, or to end with N where the line
# ends with '# exit N'. What is not to be run has no prompt.
. "${0%/*}/lib.sh"

# A command per line, with its continuation lines behind \001.
commands_of_page() {
	mandoc -Tascii -O width=1000 "$1" | col -b | awk '
		/^[A-Z]/ { inside = $0 == "EXAMPLES"; next }
		!inside { next }
		{ line = $0; sub(/^ +/, "", line) }
		line ~ /^\$ / { if (command != "") print command; command = substr(line, 3); next }
		line ~ /^> / && command != "" { command = command "\001" substr(line, 3); next }
		{ if (command != "") print command; command = "" }
		END { if (command != "") print command }'
}

command -v ts-mock-llm >/dev/null || skip_all "there is no ts-mock-llm yet"
start_mock --script "$SOURCE/examples/scripts/demo.ndjson"

cp -R "$SOURCE/examples" examples
printf '# Notes\n\nBuy *milk*.\n' >notes.md
printf '#include <stdio.h>\n\nint main(void)\n{\n    puts("hello");\n    return 0;\n}\n' >hello.c
printf 'CC = cc\n\nhello: hello.c\n\t$(CC) -o $@ hello.c\n' >Makefile
{
	git init -q . && git config user.name Test && git config user.email test@example.org &&
		git add -A && git commit -q -m 'hello: say hello' && git commit -q --allow-empty -m 'hello: no change'
} >/dev/null 2>&1
mkdir -p "$XDG_CONFIG_HOME"

for page in "$SOURCE"/man/*.[1-8]; do
	[ -f "$page" ] || continue
	name=${page##*/}
	commands_of_page "$page" >commands
	case $name in
	ts-*.1) ok "$name: has examples that can be run" test -s commands ;;
	esac
	while IFS= read -r line <&3; do
		command=$(printf '%s' "$line" | tr '\001' '\n')
		wanted=$(printf '%s\n' "$command" | sed -n 's/.*# exit \([0-9][0-9]*\)$/\1/p')
		timeout -k 2 20 sh -c "$command" </dev/null >output 2>errors
		status=$?
		is "$name: $(printf '%s' "$line" | tr '\001\\#' '   ' | cut -c 1-70)" "$status" "${wanted:-0}"
		[ "$status" = "${wanted:-0}" ] || diagnose "$(head -n 5 output errors)"
	done 3<commands
done

done_testing
