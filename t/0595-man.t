#!/bin/sh
# man: pages, parts of pages, and which of the ways of finding nothing it was. With programs called
# man and info of our own, since a machine may have none.
. "${0%/*}/lib.sh"

tool=$BUILD/libexec/turnstone/tools/man
# man JQ-PROGRAM: output, errors, exit code when it is not 0.
man() {
	jq -cn "$1" | PATH=$places "$tool" run >"$WORK/out" 2>"$WORK/err"
	code=$?
	cat "$WORK/out" "$WORK/err"
	[ "$code" -eq 0 ] || echo "exit $code"
}
calls() { sed -n "$1" "$WORK/calls"; }

mkdir -p "$WORK/bin"
system=$PATH
places=$WORK/bin:$PATH
{
	printf '#!/bin/sh\nWORK=%s\n' "$WORK"
	cat <<'END'
echo "$* in $PWD width $MANWIDTH keep ${MAN_KEEP_FORMATTING-unset} pager $MANPAGER" >>"$WORK/calls"
case "$*" in
*-aw*saw) printf '/m/man1/saw.1.gz\n/m/man3/saw.3pm.gz\n' ;;
*long) echo 'LONG(1)'; echo; echo NAME; seq -f '       line %g' 400; echo; echo END; echo '       end'; echo; echo 'LONG(1)' ;;
*saw)
	case "$*" in *-s*) echo "No manual entry for saw in section 9" >&2; exit 16 ;; esac
	printf 'SAW(1)      General      SAW(1)\n\n\nN\bNA\bAM\bME\bE\n       \033[1msaw\033[0m - cut w\bwo\boo\bod\bd   \n\n'
	printf 'OPTIONS\n       --fast fa\bas\bst\bt\n              Saw faster.\n\n       --slow Slow é\bé.\n\n   Sub options\n       None.\n\n'
	printf 'EXIT STATUS\n       0 Cut.\n\nSEE ALSO\n       axe(1), --fast\n\nGNU          2026          SAW(1)\n' ;;
*broken) echo "man: groff: not found" >&2; exit 3 ;;
*slow) sleep 60 & wait ;;
*endless) while :; do echo "       again and again and again and again and again"; done ;;
*) echo "No manual entry for $*" >&2; exit 16 ;;
esac
END
} >"$WORK/bin/man"
chmod +x "$WORK/bin/man"
# Only what the stand-ins need, so that no info of the machine is found.
for program in sh seq sleep cat; do
	ln -s "$(command -v "$program")" "$WORK/bin/$program" 2>/dev/null
done
only=$WORK/bin

is "a page, without formatting" "$(man '{page: "saw"}')" "SAW(1)      General      SAW(1)

NAME
       saw - cut wood

OPTIONS
       --fast fast
              Saw faster.

       --slow Slow é.

   Sub options
       None.

EXIT STATUS
       0 Cut.

SEE ALSO
       axe(1), --fast

GNU          2026          SAW(1)"
is "80 columns; nothing is asked to keep its formatting; not in the project (T-45)" \
	"$(MAN_KEEP_FORMATTING=1 MANPAGER=less man '{page: "saw"}' >/dev/null; calls '$p')" \
	"-- saw in / width 80 keep unset pager cat"
is "a heading, in any case (T-45)" "$(man '{page: "saw", heading: "exit status"}')" "EXIT STATUS
       0 Cut."
is "a part of one" "$(man '{page: "saw", heading: "exit"}')" "EXIT STATUS
       0 Cut."
is "with what is below it" "$(man '{page: "saw", heading: "OPTIONS"}' | tail -n 2)" "   Sub options
       None."
is "one that is not there" "$(man '{page: "saw", heading: "BUGS"}')" "man: saw has no heading 'BUGS'; its headings are: NAME, OPTIONS, Sub options, EXIT STATUS, SEE ALSO
exit 1"
is "paragraphs that match (T-45)" "$(man '{page: "saw", pattern: "--F.st\\b"}')" "OPTIONS
       --fast fast
              Saw faster.

SEE ALSO
       axe(1), --fast"
is "under a heading" "$(man '{page: "saw", pattern: "fast", heading: "see also"}')" "SEE ALSO
       axe(1), --fast"
is "none" "$(man '{page: "saw", pattern: "iron"}')" "man: saw has no line that matches 'iron'
exit 1"
is "a pattern that is no expression is plain text" "$(man '{page: "saw", pattern: "axe("}' | tail -n 1)" "       axe(1), --fast"
is "a long page tells its headings first" "$(man '{page: "long"}' | head -n 1)" \
	"[408 lines; 'heading' shows one of: NAME, END; 'pattern' shows paragraphs]"

# What is refused (T-43).
for page in -k --help -w ../saw /etc/passwd 'saw;id' 'a b' '$(id)' ''; do
	rm -f "$WORK/calls"
	like "'$page' is no page" "$(page=$page man '{page: env.page}')" "man: .*page"
	ok "and nothing is run" test ! -e "$WORK/calls"
done
for section in x -k 0 33 3X '3 saw'; do
	like "'$section' is no section" "$(section=$section man '{page: "saw", section: env.section}')" "is no section"
done
rm -f "$WORK/calls"
man '{page: "std::c++@[x.y_z-1"}' >/dev/null
like "names of pages may be odd" "$(calls 1p)" '^-- std::c\+\+@\[x\.y_z-1 '
rm "$WORK/calls"
man '{page: "axe", section: "3pm"}' >/dev/null
like "sections may have letters" "$(calls 1p)" '^-s 3pm -- axe '

# The ways of finding nothing (T-44).
places=$only
is "man is there, the page is not" "$(man '{page: "axe"}')" "man: there is no manual page axe
exit 1"
is "it is in other sections" "$(man '{page: "saw", section: "9"}')" \
	"man: there is no manual page saw(9); there is saw.1, saw.3pm
exit 1"
is "man itself failed" "$(man '{page: "broken"}')" \
	"man: '$WORK/bin/man' failed with exit code 3: man: groff: not found
exit 1"
cat >"$WORK/bin/info" <<'END'
#!/bin/sh
case "$1 $*" in
--where*axe) echo /usr/share/info/axe.info.gz ;;
--where*fork) echo '*manpages*' ;;
--subnodes*axe) printf 'File: axe.info,  Node: Top\n\nAxe\n***\n\nSharp.\n\n1.1 Use\n=======\n\nSwing.\n' ;;
esac
END
chmod +x "$WORK/bin/info"
is "info knows it" "$(man '{page: "axe", heading: "use"}')" "1.1 Use
=======

Swing."
is "info does not know it either" "$(man '{page: "hammer"}')" "man: there is no manual page hammer, and no info page
exit 1"
is "what info takes from man is nothing new" "$(man '{page: "fork"}' | tail -n 1)" "exit 1"
mv "$WORK/bin/man" "$WORK/bin/man.away"
like "man is not installed, info is" "$(man '{page: "hammer"}')" "man is not installed \(Debian: man-db\), and info has no page 'hammer'"
is "then info answers" "$(man '{page: "axe", pattern: "swing"}' | tail -n 1)" "Swing."
rm "$WORK/bin/info"
like "neither is" "$(man '{page: "hammer"}')" "neither man nor info is installed here"
mv "$WORK/bin/man.away" "$WORK/bin/man"
places=$WORK/bin:$system

# Time and size.
is "a page that does not come" "$(TS_TOOL_TIMEOUT=1 man '{page: "slow"}')" \
	"man: '$WORK/bin/man' did not end in time
exit 1"
is "a page without end" "$(TS_TOOL_TIMEOUT=2 man '{page: "endless"}' | tail -n 1)" "exit 1"

# In a conversation, and what the person gets.
result=$(jq -cn '{type: "decided", batch_id: "b", items: [{call_id: "1", func_name: "man",
	arguments: {page: "saw", heading: "EXIT STATUS"}, decision: "allow"}]}' |
	PATH=$places ts-tool-exec --sandbox off | jq -c 'select(.type == "tool_result")')
is "the person gets the number of lines" "$(printf '%s' "$result" | jq -r '.status + ", " + .display')" "ok, saw: 2 lines"
cat >"$WORK/script" <<'END'
{"match":{"role":"user"},"tool_calls":[{"name":"man","id":"m","arguments":{"page":"saw","heading":"name"}}]}
{"match":{"role":"tool"},"content":"It says: {{last_tool_result}}"}
END
start_mock --script "$WORK/script"
like "in a conversation, asking nobody" "$(PATH=$places setsid -w ts-chat --sandbox off --no-stdin what is a saw |
	jq -r 'select(.type == "result").text')" "saw - cut wood"
if command man -w man >/dev/null 2>&1; then
	like "this machine's man, in the sandbox" "$(jq -cn '{type: "decided", batch_id: "b", items: [{call_id: "1",
		func_name: "man", arguments: {page: "man", heading: "NAME"}, decision: "allow"}]}' |
		ts-tool-exec | jq -r 'select(.type == "tool_result").output')" "man - "
else
	skip "this machine's man, in the sandbox" "there are no manual pages"
fi

done_testing
