#!/bin/sh
# write_file: whole files, atomically, and never over something that was not read.
. "${0%/*}/lib.sh"

tools=$BUILD/libexec/turnstone/tools
TS_STATE_DIR=$WORK/state
export TS_STATE_DIR
mkdir "$TS_STATE_DIR"

# tool NAME VERB JSON: the output, then the errors, then the exit code.
tool() {
	printf '%s' "$3" | "$tools/$1" "$2" >"$WORK/out" 2>"$WORK/err"
	code=$?
	cat "$WORK/out" "$WORK/err"
	echo "exit $code"
}
write_it() { tool write_file run "$1"; }
preview() { tool write_file prepare "$1" >/dev/null; jq -r "$2" "$WORK/out"; }
# What is not the file itself must not be there.
litter() { find . -name '.turnstone*'; }

is "a new file and its directories" "$(write_it '{"path":"a/b/new","content":"one\ntwo\n"}')" \
	"created $PWD/a/b/new: 2 lines, 8 bytes
exit 0"
is "has the content" "$(cat a/b/new)" "one
two"
is "and the mode that the umask says" "$(stat -c %a a/b/new)" 644
is "what was written may be written again" "$(write_it '{"path":"a/b/new","content":"one\n2\n3\n"}')" \
	"overwrote $PWD/a/b/new: 1 lines removed, 2 added
exit 0"
like "the same again is no change" "$(write_it '{"path":"a/b/new","content":"one\n2\n3\n"}')" 'nothing has changed'

echo precious >old
is "an unread file is not overwritten (T-26)" "$(write_it '{"path":"old","content":"x"}')" \
	"write_file: '$PWD/old' has not been read yet: read it first
exit 1"
is "and is as it was" "$(cat old)" precious
is "prepare labels it (T-26)" "$(preview '{"path":"old","content":"x"}' .approval_label)" overwrite_file
like "and warns" "$(preview '{"path":"old","content":"x"}' .warning)" 'exists and has not been read'
like "and shows a diff (T-27)" "$(preview '{"path":"old","content":"precious\nmore\n"}' .preview)" '^\+more'
is "a new file is shown whole" "$(preview '{"path":"fresh","content":"1\n2"}' .preview)" \
	"new file, 3 bytes
@@ -0,0 +1,2 @@
+1
+2
\\ No newline at end of file"
is "a preview that shows all says nothing of it" "$(jq .truncated_preview "$WORK/out")" null
awk 'BEGIN { printf "{\"path\":\"fresh\",\"content\":\""; for (i = 0; i < 500; i++) printf "x"; print "; evil\"}" }' >wide.json
is "one that shows not all says so" "$("$tools/write_file" prepare <wide.json | jq .truncated_preview)" true
awk 'BEGIN { printf "{\"path\":\"fresh\",\"content\":\""; for (i = 0; i < 3000; i++) printf "x\\n"; print "\"}" }' >tall.json
is "also when lines are left out" "$("$tools/write_file" prepare <tall.json | jq .truncated_preview)" true
is "which ts-tool-prep passes on" "$(jq -c '{type:"tool_batch",calls:[{name:"write_file",arguments:.}]}' tall.json |
	ts-tool-prep | jq '.items[0].truncated_preview')" true
ok "prepare wrote nothing" test ! -e fresh

tool read_file run '{"path":"old"}' >/dev/null
is "read, it has no label of its own" "$(preview '{"path":"old","content":"x"}' .approval_label)" null
echo changed >old
like "a file changed since is not overwritten (T-25)" "$(write_it '{"path":"old","content":"x"}')" \
	'has been changed since it was read'
touch -d '2001-01-01' old
tool read_file run '{"path":"old"}' >/dev/null
echo CHANGED >old && touch -d '2001-01-01' old
like "nor one with its old time and size put back (T-25)" \
	"$(write_it '{"path":"old","content":"x"}')" 'has been changed since it was read'
printf '1\n2\n3\n' >part
tool read_file run '{"path":"part","limit":1}' >/dev/null
like "nor one that was read in part (T-25)" "$(write_it '{"path":"part","content":"x"}')" 'only been read in part'
tool read_file run '{"path":"part"}' >/dev/null
tool read_file run '{"path":"part","limit":1}' >/dev/null
like "a part read after the whole takes nothing away" "$(write_it '{"path":"part","content":"x"}')" 'overwrote'
tool read_file run '{"path":"old"}' >/dev/null
rm old && mkfifo old
tool read_file run '{"path":"old"}' >/dev/null
rm old && echo CHANGED >old
like "a reading that failed satisfies nobody (T-25)" "$(write_it '{"path":"old","content":"x"}')" 'has not been read yet'
is "another conversation has read nothing (E-61)" \
	"$(mkdir "$WORK/other" && TS_STATE_DIR=$WORK/other write_it '{"path":"part","content":"y"}' | tail -n 1)" 'exit 1'

printf 'a\r\nb\r\n' >crlf
tool read_file run '{"path":"crlf"}' >/dev/null
write_it '{"path":"crlf","content":"a\nc\n"}' >/dev/null
is "CRLF is kept where every line had it" "$(od -An -c crlf | tr -d ' \n')" 'a\r\nc\r\n'
printf '\357\273\277a\n' >marked
tool read_file run '{"path":"marked"}' >/dev/null
write_it '{"path":"marked","content":"b\n"}' >/dev/null
is "so is a byte order mark" "$(od -An -tx1 marked | tr -d ' \n')" 'efbbbf620a'

write_it '{"path":"mode","content":"1"}' >/dev/null
chmod 0751 mode
if setfattr -n user.kept -v yes mode 2>/dev/null; then attribute=yes; else attribute=; fi
write_it '{"path":"mode","content":"2"}' >/dev/null
is "the mode is kept (T-26)" "$(stat -c %a mode)" 751
if [ "$attribute" = yes ]; then
	is "so are extended attributes" "$(getfattr --only-values -n user.kept mode)" yes
else
	skip "so are extended attributes" "setfattr is not installed, or this file system has none"
fi
echo inside >target && ln -s target link
like "by hand a link leads to its target" "$(tool read_file run '{"path":"link"}' && write_it '{"path":"link","content":"new\n"}')" \
	"overwrote $PWD/target"
ok "and stays a link" test -L link
is "the target is new" "$(cat target)" new
like "in a judged call a link is refused (lessons 15)" \
	"$(TS_CALL_ID=c write_it "{\"path\":\"$PWD/link\",\"content\":\"x\"}")" 'has become a link'
like "a directory is no file" "$(write_it '{"path":"a","content":"x"}')" 'it is a directory'
like "a file is no directory" "$(write_it '{"path":"target/x","content":"x"}')" 'Not a directory'
like "content is needed" "$(write_it '{"path":"q"}')" "'content' is missing"
is "content may be empty" "$(write_it '{"path":"q","content":""}')" "created $PWD/q: 0 lines, 0 bytes
exit 0"

if [ "$(id -u)" -ne 0 ]; then
	echo x >closed && tool read_file run '{"path":"closed"}' >/dev/null && chmod 444 closed
	like "a file that may not be written is not replaced" "$(write_it '{"path":"closed","content":"y"}')" 'Permission denied'
else
	skip "a file that may not be written is not replaced" "root may write everything"
fi
# The limit on file size stands for a full disk: the write fails half-way.
write_it '{"path":"limited","content":"before\n"}' >/dev/null
awk 'BEGIN { printf "{\"path\":\"limited\",\"content\":\""; for (i = 0; i < 20000; i++) printf "0123456789"; print "\"}" }' >big.json
like "a write that fails is reported" "$(ulimit -f 20; "$tools/write_file" run <big.json 2>&1)" \
	"write '.*/limited': File too large"
is "and the file is as it was" "$(cat limited)" before
is "nothing is left beside it" "$(litter)" ""

# Whenever it is killed, the file is the old one or the new one.
awk 'BEGIN { printf "{\"path\":\"killed\",\"content\":\""; for (i = 0; i < 400000; i++) printf "0123456789"; print "\"}" }' >big.json
write_it '{"path":"killed","content":"before\n"}' >/dev/null
torn=
for signal in TERM INT KILL HUP TERM KILL; do
	"$tools/write_file" run <big.json >/dev/null 2>&1 &
	kill -"$signal" $! 2>/dev/null
	wait $! 2>/dev/null
	size=$(stat -c %s killed)
	case $size in 7 | 4000000) ;; *) torn="$torn $signal:$size" ;; esac
done
is "a signal leaves the old file or the new one" "$torn" ""
is "and nothing beside it" "$(litter)" ""

TS_EVENT_FD=3 "$tools/write_file" run 3>events >/dev/null <<-END
	{"path":"shown","content":"a\nb\n"}
END
like "a person gets the diff" "$(jq -r 'select(.type == "display").text' events)" '^\+b'

done_testing
