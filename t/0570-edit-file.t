#!/bin/sh
# edit_file: exact first, then what was meant if there is one such place; nothing else changes.
. "${0%/*}/lib.sh"

tools=$BUILD/libexec/turnstone/tools
tab=$(printf '\t')

# edit VERB [path] with the arguments on stdin as jq's -n program: output, errors, exit code.
edit() {
	jq -cn "$2" | "$tools/edit_file" "$1" >"$WORK/out" 2>"$WORK/err"
	code=$?
	cat "$WORK/out" "$WORK/err"
	echo "exit $code"
}
run() { edit run "$1"; }
bytes() { od -An -c "$1" | tr -d ' \n'; }

# Exactly.
printf 'k=1\nk=2\n\nk=3\n' >f
like "of several matches the lines are told" "$(run '{path:"f",old_string:"k=",new_string:"x"}')" \
	'occurs 3 times, on lines 1-2, 4: '
is "and nothing is changed" "$(cat f)" "k=1
k=2

k=3"
run '{path:"f",old_string:"k=",new_string:"near3=",near_line:3}' >/dev/null
is "near_line takes the nearest, on a tie the earlier" "$(sed -n 2p f)" "near3=2"
run '{path:"f",old_string:"k=",new_string:"first=",near_line:-5}' >/dev/null
is "however far away" "$(sed -n 1p f)" "first=1"
run '{path:"f",old_string:"=",new_string:": ",replace_all:true}' >/dev/null
is "replace_all (T-33)" "$(cat f)" "first: 1
near3: 2

k: 3"
is "several edits at once (T-33)" "$(run '{path:"f",edits:[
	{old_string:"first",new_string:"1st"},{old_string:"1st: 1",new_string:"done"}]}')" \
	"edited $PWD/f at line 1: 2 replacements, 1 lines removed, 1 added
exit 0"
like "all of them or none" "$(run '{path:"f",edits:[
	{old_string:"done",new_string:"undone"},{old_string:"nowhere",new_string:"x"}]}')" \
	'edit 2 of 2 \(nothing was changed\)'
is "the first was not done" "$(sed -n 1p f)" "done"
like "old = new is an error (T-32)" "$(run '{path:"f",old_string:"done",new_string:"done"}')" 'are the same'
like "a missing new_string is an error (T-32)" "$(run '{path:"f",old_string:"done"}')" "'new_string' is missing"
like "a missing old_string too" "$(run '{path:"f",new_string:"x"}')" "'old_string' is missing"
like "an empty one too" "$(run '{path:"f",old_string:"",new_string:"x"}')" 'old_string is empty'
like "edits and old_string together" "$(run '{path:"f",old_string:"a",new_string:"b",edits:[]}')" "'edits' must hold 1"
like "a file that is not there" "$(run '{path:"g",old_string:"a",new_string:"b"}')" 'No such file'
run '{path:"f",old_string:"done\n",new_string:""}' >/dev/null
is "an empty new_string deletes" "$(sed -n 1p f)" "near3: 2"

# Bytes outside the edit (T-30).
printf '\357\273\277a\r\nb\n\rc\377\r\nkeep \nlast' >bytes
run '{path:"bytes",old_string:"keep",new_string:"KEEP"}' >/dev/null
is "nothing else is touched: CRLF, lone CR, mark, bad bytes, no newline (T-30)" "$(bytes bytes)" \
	'357273277a\r\nb\n\rc377\r\nKEEP\nlast'
printf 'a\r\nb\r\nc\r\n' >crlf
is "old_string in LF matches a CRLF file" \
	"$(run '{path:"crlf",old_string:"a\nb\n",new_string:"a\nx\ny\n"}' | head -n 1 | cut -d : -f 1)" \
	"edited $PWD/crlf at line 1"
is "and the new lines end as the others" "$(bytes crlf)" 'a\r\nx\r\ny\r\nc\r\n'
chmod 640 crlf
run '{path:"crlf",old_string:"x",new_string:"z"}' >/dev/null
is "the mode is kept (T-31)" "$(stat -c %a crlf)" 640

# What was meant (T-29).
cat >code.py <<-'END'
	def f(x):
	    if x:   
	        return “yes”
	    return 0

	def g(x):
	    return 0
END
cp code.py saved.py
like "prepare shows what was given and what is there" "$(edit prepare '{path:"code.py",
	old_string:"    if x:\n        return \"yes\"\n",new_string:"    if x:\n        return 1\n"}' |
	head -n 1 | jq -r .preview)" '^\+        return “yes”$'
like "with a warning" "$(jq -r .warning "$WORK/out")" 'not matched exactly'
like "and the diff that will be made" "$(jq -r .preview "$WORK/out")" '^\+        return 1$'
ok "and changes nothing" cmp code.py saved.py
like "white space at line ends and quotes are set aside, and said" "$(run '{path:"code.py",
	old_string:"    if x:\n        return \"yes\"\n",new_string:"    if x:\n        return 1\n"}')" \
	'line 2 matched though white space'
is "lines that stay are not touched" "$(sed -n '2,3p' code.py)" "    if x:   
        return 1"
run '{path:"code.py",old_string:"if x:\n    return 1\nreturn 0\n",
	new_string:"if x:\n    if y:\n        return 1\nreturn 2\n"}' >/dev/null
is "an indentation that was left out is put back" "$(sed -n '2,5p' code.py)" "    if x:   
        if y:
            return 1
    return 2"
printf 'int f()\n{\n\tif (x)\n\t\treturn 1;\n}\n' >tabs.c
run '{path:"tabs.c",old_string:"    if (x)\n        return 1;\n",
	new_string:"    if (x) {\n        return 1;\n    }\n"}' >/dev/null
is "spaces become the file's tabs" "$(sed -n '3,5p' tabs.c)" "${tab}if (x) {
${tab}${tab}return 1;
${tab}}"
printf 'a = “x”;  b = 2\n' >words
run '{path:"words",old_string:"a = \"x\"; b",new_string:"c"}' >/dev/null
is "also within a line" "$(cat words)" "c = 2"
printf '  foo  \nx\n foo \n' >twice
like "two places that resemble it are refused" "$(run '{path:"twice",old_string:"foo\t\n",new_string:"bar\n"}')" \
	'resembles 2 places, on lines 1, 3'
printf 'if a:\n  b\n    c\n' >shape
like "lines that are shifted differently are no match" \
	"$(run '{path:"shape",old_string:"if a:\n b\n c\n",new_string:"q\n"}')" 'old_string is not in the file'
like "white space alone is never guessed at" \
	"$(run '{path:"shape",old_string:"\t\t\n",new_string:"q\n"}')" 'old_string is not in the file'
cp saved.py code.py
is "what comes closest is shown with its lines (T-29)" "$(run '{path:"code.py",
	old_string:"def g(y):\n    return 0\n",new_string:"x"}')" "edit_file: edit '$PWD/code.py': old_string is not in the file
closest are lines 6-7 (line 6 differs):
   6	def g(x):
   7	    return 0
exit 1"
like "also when no line is the same" \
	"$(run '{path:"code.py",old_string:"def gg(xyz):\n",new_string:"x"}')" 'closest are lines 6-6'
printf 'text' >lastline
run '{path:"lastline",old_string:" text\n",new_string:" other\n"}' >/dev/null
is "a last line without newline gets none" "$(bytes lastline)" 'other'

# Hostile sizes end soon.
awk 'BEGIN { for (i = 0; i < 200000; i++) print "}" }' >same
awk 'BEGIN { printf "{\"path\":\"same\",\"new_string\":\"x\",\"old_string\":\""
	for (i = 0; i < 3000; i++) printf "}\\n"; print "y\"}" }' >hostile.json
like "200,000 equal lines, 3,000 of them quoted" \
	"$(timeout 10 "$tools/edit_file" run <hostile.json 2>&1)" 'old_string is not in the file'
awk 'BEGIN { for (i = 0; i < 3000000; i++) printf "a"; print "" }' >aaa
awk 'BEGIN { printf "{\"path\":\"aaa\",\"new_string\":\"x\",\"old_string\":\""
	for (i = 0; i < 1000000; i++) printf "a"; print "\"}" }' >hostile.json
like "a long text that overlaps itself" \
	"$(timeout 10 "$tools/edit_file" run <hostile.json 2>&1)" 'occurs [0-9]+ times, on lines 1: '

# The guard is asked at run, and knows the new contents afterwards.
TS_STATE_DIR=$WORK/state
export TS_STATE_DIR
mkdir "$TS_STATE_DIR"
printf 'one\ntwo\n' >guarded
like "a file must have been read" "$(run '{path:"guarded",old_string:"one",new_string:"1"}')" \
	'has not been read yet'
like "which prepare does not ask for: the reading may be in the same batch" \
	"$(edit prepare '{path:"guarded",old_string:"one",new_string:"1"}')" '^\{"preview"'
echo '{"path":"guarded","limit":1}' | "$tools/read_file" run >/dev/null
like "a part read allows an edit" "$(run '{path:"guarded",old_string:"two",new_string:"2"}')" 'edited'
like "and another one after it" "$(run '{path:"guarded",old_string:"one",new_string:"1"}')" 'edited'
like "but no overwriting (T-25)" "$(echo '{"path":"guarded","content":"x"}' |
	"$tools/write_file" run 2>&1)" 'only been read in part'
echo more >>guarded
like "a change by somebody else is noticed (T-25)" \
	"$(run '{path:"guarded",old_string:"1",new_string:"one"}')" 'has been changed since it was read'
is "nothing is left behind" "$(find . -name '.turnstone*')" ""

done_testing
