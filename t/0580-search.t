#!/bin/sh
# search: Perl-compatible expressions, names, ignore rules; bounded, and never without what it found.
. "${0%/*}/lib.sh"

tools=$BUILD/libexec/turnstone/tools
# search JQ-PROGRAM: output, errors, exit code when it is not 0.
search() {
	jq -cn "$1" | "$tools/search" run >"$WORK/out" 2>"$WORK/err"
	code=$?
	cat "$WORK/out" "$WORK/err"
	[ "$code" -eq 0 ] || echo "exit $code"
}

git init -q . 2>/dev/null || mkdir -p .git/info
mkdir -p src/deep build node_modules/x
printf 'int main(void)\n{\n\treturn 42;\n}\n' >src/main.c
printf 'Alpha 1\nbeta 22\ngamma\n' >src/deep/notes.txt
echo 'int helper(void);' >src/helper.h
is "every line has its path and number" "$(search '{query:"int \\w+\\(void\\)"}')" \
	"src/helper.h:1:int helper(void);
src/main.c:1:int main(void)"
is "also in a single file (T-34)" "$(search '{query:"42",path:"src/main.c"}')" "src/main.c:3:	return 42;"
is "\\d and friends work (T-36)" "$(search '{query:"^\\w+\\s\\d{2}$"}')" "src/deep/notes.txt:2:beta 22"
is "no match" "$(search '{query:"nowhere at all"}')" "(no matches)"
is "case matters" "$(search '{query:"alpha"}')" "(no matches)"
is "or not (T-35)" "$(search '{query:"alpha",ignore_case:true}')" "src/deep/notes.txt:1:Alpha 1"
is "lines around a match" "$(search '{query:"return",context:1,path:"src"}')" \
	"src/main.c-2-{
src/main.c:3:	return 42;
src/main.c-4-}"
is "which are not repeated" "$(search '{query:"a",context:1,path:"src/deep"}')" \
	"src/deep/notes.txt:1:Alpha 1
src/deep/notes.txt:2:beta 22
src/deep/notes.txt:3:gamma"
is "groups are separated" "$(search '{query:"main|42",context:0}')
$(printf '1\n2\n3\n4\n5\n6\n7\n' >gap && search '{query:"[17]",context:1,path:"gap"}')" \
	"src/main.c:1:int main(void)
src/main.c:3:	return 42;
gap:1:1
gap-2-2
--
gap-6-6
gap:7:7"
is "only some files" "$(search '{query:"int",glob:"*.h"}')" "src/helper.h:1:int helper(void);"
is "braces in a glob" "$(search '{query:"int|beta",glob:"*.{h,txt}"}' | cut -d : -f 1)" "src/deep/notes.txt
src/helper.h"
is "a glob with a path" "$(search '{query:"int|beta",glob:"src/**/*.txt"}')" "src/deep/notes.txt:2:beta 22"
is "all but some" "$(search '{query:"int",glob:"!*.c"}')" "src/helper.h:1:int helper(void);"
is "an expression that is none is plain text, and said" "$(search '{query:"main("}')" \
	"src/main.c:1:int main(void)
[the query is no regular expression (missing closing parenthesis at byte 5): searched for as plain text]"
printf 'x;\r\ny\r\n' >crlf
is "CRLF: \$ is before it, and it is not shown" "$(search '{query:";$",path:"crlf"}' | od -An -c | tr -d ' \n')" \
	'crlf:1:x;\n'
rm crlf gap
is "a match never reaches over a line" "$(search '{query:"void\\)\\s+\\{"}')" "(no matches)"

# Names.
is "names by glob (README's promise)" "$(search '{query:"*.h",mode:"name"}')" "src/helper.h"
is "names by expression" "$(search '{query:"note|main\\.c$",mode:"name"}')" "src/deep/notes.txt
src/main.c"
is "directories end with a slash" "$(search '{query:"^src/deep$",mode:"name"}')" "src/deep/"
like "another mode is refused" "$(search '{query:"x",mode:"names"}')" "must be content or name"

# What git ignores (T-35).
cat >.gitignore <<-'END'
	# a comment
	build/
	*.log
	!keep.log
	/top.txt
	src/gen/*.c
	node_modules
	a/**/z
	\#hash
END
mkdir -p src/gen a/b/c sub/build docs
for name in build/x sub/build/x one.log keep.log top.txt src/top.txt src/gen/x.c src/gen/x.h \
	node_modules/x/y a/b/c/z a/z '#hash' docs/drop docs/stay excluded .git/needle; do
	echo needle >"$name"
done
printf 'drop\n' >docs/.gitignore
echo excluded >.git/info/exclude
is "ignore rules: nested, negated, anchored, directories, **" "$(search '{query:"needle"}' | cut -d : -f 1)" \
	"docs/stay
keep.log
src/gen/x.h
src/top.txt"
is "the same below a directory: the rules above it count" "$(search '{query:"needle",path:"src"}' | cut -d : -f 1)" \
	"src/gen/x.h
src/top.txt"
is "and as git has it" "$(search '{query:"needle"}' | cut -d : -f 1 | sort)" \
	"$(git ls-files --others --exclude-standard | xargs grep -l needle | sort)"
is "what is named is searched, ignored or not" "$(search '{query:"needle",path:"build"}')" "build/x:1:needle"
is "names honour the rules too" "$(search '{query:"top.txt",mode:"name"}')" "src/top.txt"

mkdir other && cd other || exit 1
printf 'text needle\000' >binary
is "binary files are left out, and said" "$(search '{query:"needle"}')" "(no matches)
[binary files left out: 1]"
echo needle >../outside && ln -s ../outside link && ln -s .. up
is "links are not followed" "$(search '{query:"needle"}' | head -n 1)" "(no matches)"
mkfifo fifo
like "nor is a FIFO waited for" "$(search '{query:"needle"}')" 'no matches'
printf 'caf\351 needle\nna\357ve\n' >latin
is "other bytes than UTF-8 are stepped over and shown as U+FFFD" "$(search '{query:"needle"}')" "latin:1:caf� needle"
is "and . does not match half a character" "$(printf 'é\n' >u; search '{query:"^.$"}')" "u:1:é"
rm -f latin u binary fifo

# Limits.
awk 'BEGIN { for (i = 0; i < 3000; i++) print "hit " i }' >many
like "many matches in a file are cut (T-35)" "$(search '{query:"hit"}')" '1 file has more than 200 matches'
is "at 200" "$(grep -c '^many:' "$WORK/out")" 200
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cp many "many$i"; done
like "many in all stop the search, which is said" "$(search '{query:"hit"}')" 'stopped after 2000 matches'
rm many*
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "é"; printf "NEEDLE"; for (i = 0; i < 20000; i++) printf "é"; print "" }' >wide
search '{query:"NEEDLE"}' >/dev/null
like "a long line is cut around the match" "$(cat "$WORK/out")" '^wide:1:….*NEEDLE.*…$'
ok "between characters, to a few hundred bytes" sh -c 'iconv -f utf-8 -t utf-8 "$1" >/dev/null && test $(wc -c <"$1") -lt 400' sh "$WORK/out"
rm wide
awk 'BEGIN { for (i = 0; i < 40; i++) printf "a"; print "b"; print "aaa" }' >evil
is "an expression that backtracks for ever is given up on, by line" "$(search '{query:"^(a+)+$"}')" "evil:2:aaa
[1 line was left out: the query takes too long on them]"
awk 'BEGIN { for (n = 0; n < 20000; n++) { for (i = 0; i < 40; i++) printf "a"; print "b" } print "aaa" }' >evil
echo found >AAA
echo '{"query":"^(a+)+$|found"}' | TS_TOOL_TIMEOUT=1 timeout 10 "$tools/search" run >"$WORK/out" 2>&1
like "and in time (T-37)" "$(cat "$WORK/out")" 'out of time: not everything was searched'
like "what was found before is kept (T-37)" "$(cat "$WORK/out")" '^AAA:1:found$'
rm evil AAA
if [ "$(id -u)" -ne 0 ]; then
	echo needle >closed && chmod 0 closed && echo needle >open
	is "a file that cannot be read costs a note (T-34)" "$(search '{query:"needle"}')" "open:1:needle
[open 'closed': Permission denied]"
else
	skip "a file that cannot be read costs a note (T-34)" "root may read everything"
fi
deep=d
for i in 1 2 3 4 5 6 7 8; do deep=$deep/$deep; done
mkdir -p "$(printf '%s' "$deep" | cut -c 1-500)"
like "a very deep tree costs a note" "$(search '{query:"needle"}')" 'open directory .*: Too many levels'

like "query is needed" "$(search '{}')" "'query' is missing"
like "and not empty" "$(search '{query:""}')" "'query' is empty"
like "a place that is not there" "$(search '{query:"x",path:"nowhere"}')" "open '.*/nowhere': No such file"
echo 'one two' >words
TS_EVENT_FD=3 "$tools/search" run 3>events >/dev/null <<-'END'
	{"query":"one"}
END
is "a person gets the number of matches" "$(jq -r .text events)" "1 match in 1 file"
done_testing
