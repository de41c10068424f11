#!/bin/sh
# The EXAMPLES of the manual pages work when pasted.
#
# Each literal display (.Bd -literal, .Dl) of an EXAMPLES section is run as a reader would run it:
# by sh, in a project with a few files, with ts-mock-llm as the model. Where lines begin with '$ '
# these are the commands, going on behind '\', '|' or '&&' or with '> ', and the others show output. It has
# to succeed, or to end as '# exit 5' at its end or a comment in front of it says:
#
#   .\" exit 5
#   .\" not run: why
#
# Pages of section 5 show files and lines; there only what follows .\" run is run.
. "${0%/*}/lib.sh"

command -v ts-mock-llm >/dev/null || skip_all "there is no ts-mock-llm yet"

# Writes example-N (the text) and example-N.note (what the comment in front of it says).
extract() {
	rm -f example-*
	awk -v run_all="$2" '
		function plain(text) {
			gsub(/\\e/, "\\", text); gsub(/\\\(aq/, "\047", text); gsub(/\\\(dq/, "\"", text)
			gsub(/\\\(ti/, "~", text); gsub(/\\\(ha/, "^", text); gsub(/\\-/, "-", text)
			gsub(/\\&/, "", text)
			return text
		}
		function begin() {
			if (note == "" && !run_all) note = "not run"
			count++
			print note >("example-" count ".note")
			note = ""
		}
		/^\.Sh / { inside = $2 == "EXAMPLES"; next }
		!inside { next }
		/^\.\\" (exit|run|not run)/ { note = substr($0, 5); next }
		/^\.Bd .*-literal/ { begin(); display = 1; next }
		/^\.Ed/ { display = 0; next }
		/^\.Dl / { begin(); print plain(substr($0, 5)) >("example-" count); next }
		display { print plain($0) >("example-" count) }' "$1"
}

# A model that uses a tool only when it has to.
cat >"$WORK/script.ndjson" <<'END'
{"match":{"role":"user","contains":"argest"},"tool_calls":[{"name":"bash","arguments":{"command":"ls -S"}}]}
{"times":"always","content":"An answer."}
END
start_mock --script "$WORK/script.ndjson"
cp -R "$SOURCE/examples" examples
printf '# Notes\n\nBuy *milk*.\n' >notes.md
printf '#include <stdio.h>\n\nint main(void)\n{\n    puts("hello");\n    return 0;\n}\n' >hello.c
printf 'hello: hello.c\n\tcc -o $@ hello.c\ntest: hello\n\t./hello\n' >Makefile
git init -q .
git config user.name Test
git config user.email test@example.org
git add -A
git commit -q -m 'hello: say hello'

for page in "$SOURCE"/man/*.[1-8]; do
	[ -f "$page" ] || continue
	name=${page##*/}
	case $name in *.5) run_all=0 ;; *) run_all=1 ;; esac
	extract "$page" "$run_all"
	case $name in ts-*.1) ok "$name: has examples" test -f example-1 ;; esac
	for example in example-*.note; do
		[ -f "$example" ] || continue
		read -r note <"$example" || note=
		case $note in
		'not run'*) continue ;;
		exit*) wanted=${note#exit } ;;
		*) wanted= ;;
		esac
		example=${example%.note}
		if grep -q '^\$ ' "$example"; then
			awk '
				/^\$ / || /^> / { going = 1; $0 = substr($0, 3) }
				going { print; going = /(\\|\||&&)$/ }' "$example" >commands
			mv commands "$example"
		fi
		: "${wanted:=$(sed -n '$s/.*# exit \([0-9]*\)$/\1/p' "$example")}" "${wanted:=0}"
		timeout -k 2 20 sh "$example" </dev/null >output 2>errors
		status=$?
		is "$name: $(head -n 1 "$example" | tr '\043\134' '  ')" "$status" "$wanted"
		[ "$status" = "$wanted" ] || diagnose "$(cat "$example"; head -n 5 output errors)"
	done
done

done_testing
