#!/bin/sh
# read_file: exact numbered lines, streamed, with notes on what cannot be seen in them.
. "${0%/*}/lib.sh"

tools=$BUILD/libexec/turnstone/tools
TS_STATE_DIR=$WORK/state
export TS_STATE_DIR
mkdir "$TS_STATE_DIR"
tab=$(printf '\t')

# read_it JSON: the output, then the errors, then the exit code on the last line.
read_it() {
	printf '%s' "$1" | "$tools/read_file" run >out 2>err
	code=$?
	cat out err
	echo "exit $code"
}
numbered() { printf '%4d\t%s\n' "$@"; }

printf 'one\n  two  \n\nfour\n' >plain
is "lines are numbered and exact, white space at their ends included (T-22)" \
	"$(read_it '{"path":"plain"}')" \
	"$(numbered 1 one 2 '  two  ' 3 '' 4 four && echo 'exit 0')"
is "a range" "$(read_it '{"path":"plain","offset":2,"limit":1}')" \
	"$(numbered 2 '  two  ' && echo 'exit 0')"
is "offset 5 is past the end: the number of lines is said (T-24)" \
	"$(read_it '{"path":"plain","offset":5}' | tail -n 2)" \
	"read_file: line 5 is past the end of '$PWD/plain', which has 4 lines
exit 1"
: >empty
is "an empty file" "$(read_it '{"path":"empty"}')" "(empty file)
exit 0"
printf 'end' >unended
like "a missing newline at the end is said" "$(read_it '{"path":"unended"}')" 'no newline at the end'
printf '\357\273\277a\n' >marked
is "a byte order mark is said, not shown" "$(read_it '{"path":"marked"}')" \
	"$(numbered 1 a && printf '[the file begins with a byte order mark]\nexit 0')"

printf 'a\r\nb\r\n' >crlf
is "CRLF is said once (T-22)" "$(read_it '{"path":"crlf"}')" \
	"$(numbered 1 a 2 b && printf '[lines end with CRLF]\nexit 0')"
printf 'a\r\nb\nc\r\nd\r\n' >mixed
like "mixed line endings name the lines" "$(read_it '{"path":"mixed"}')" '\[line 1, 3-4: ends with CRLF'
printf 'a\rb\n' >lone
like "a carriage return inside a line is said" "$(read_it '{"path":"lone"}')" 'line 1: carriage return'
printf 'ok\nbad \377\376 bytes\n' >latin
is "bytes that are no UTF-8 are shown as U+FFFD and flagged" "$(read_it '{"path":"latin"}')" \
	"$(numbered 1 ok 2 'bad �� bytes' &&
		printf '[line 2: bytes that are no UTF-8 text, shown as � or ?]\nexit 0')"
ok "and the output is UTF-8" sh -c 'iconv -f utf-8 -t utf-8 out >/dev/null'

printf 'a\000b' >binary
is "a binary file is refused with its size (T-23)" "$(read_it '{"path":"binary"}')" \
	"read_file: read '$PWD/binary': binary, 3 bytes
exit 1"
mkfifo fifo
is "a FIFO is refused at once (T-23)" "$(read_it '{"path":"fifo"}' | tail -n 2)" \
	"read_file: open '$PWD/fifo': it is a FIFO
exit 1"
like "a device is refused" "$(read_it '{"path":"/dev/zero"}')" 'it is a device'
like "a directory is refused" "$(read_it '{"path":"."}')" 'it is a directory'
like "a missing file" "$(read_it '{"path":"nothing"}')" "open '.*/nothing': No such file"

# A path that was judged is opened as it is, or not at all (lessons 15).
ln -s plain link
like "by hand a link is followed" "$(read_it '{"path":"link"}')" 'one'
like "in a judged call a link is refused" \
	"$(TS_CALL_ID=c1 read_it "{\"path\":\"$PWD/link\"}")" 'has become a link'
mkdir real && echo x >real/x && ln -s real linked
like "also one on the way" "$(TS_CALL_ID=c1 read_it "{\"path\":\"$PWD/linked/x\"}")" 'has become a link'

awk 'BEGIN { for (i = 1; i <= 20000; i++) print "line number " i }' >long
read_it '{"path":"long"}' >/dev/null
ok "a long file is cut at a line" sh -c 'test $(wc -c <out) -lt 70000'
last=$(grep -c "^ *[0-9]*$tab" out)
is "and says where to go on" "$(tail -n 1 out)" "[20000 lines in all: go on with offset $((last + 1))]"
read_it "{\"path\":\"long\",\"offset\":$((last + 1)),\"limit\":1}" >/dev/null
is "which is the next line" "$(cat out)" "$(printf '%4d\tline number %d' $((last + 1)) $((last + 1)))"
awk 'BEGIN { for (i = 0; i < 5000; i++) printf "abc é"; print "" }' >wide
like "a long line is cut with a note" "$(read_it '{"path":"wide"}' | tail -n 2)" 'line 1: cut'
ok "between characters" iconv -f utf-8 -t utf-8 out

# 600 MB that are not there: a range costs neither time nor memory.
truncate -s 600M sparse && printf 'first\nsecond\n' >start && dd if=start of=sparse conv=notrunc 2>/dev/null
like "a file with a NUL early is binary however large" "$(read_it '{"path":"sparse"}')" 'binary, 629145600 bytes'
awk 'BEGIN { for (i = 1; i <= 3000000; i++) print "0123456789 " i }' >large
# AddressSanitizer needs address space without end.
case $BUILD in *sanitize) space=unlimited ;; *) space=32768 ;; esac
ok "a range of a large file fits in 32 MiB" sh -c \
	'ulimit -v '"$space"'; echo "{\"path\":\"large\",\"offset\":2999999}" | "$1" run >out 2>err' \
	sh "$tools/read_file"
is "and is right" "$(cat out)" "$(numbered 2999999 '0123456789 2999999' 3000000 '0123456789 3000000')"

like "offset 0 is refused" "$(read_it '{"path":"plain","offset":0}')" "'offset' must be at least 1, not 0"
like "a text is no number" "$(read_it '{"path":"plain","limit":"x"}')" "'limit' must be a whole number"
like "a path is needed" "$(read_it '{}')" "'path' is missing"
like "null counts as absent" "$(read_it '{"path":"plain","limit":null}')" 'four'
like "arguments that are no object" "$(read_it '[1]')" 'arguments: '
like "arguments that are no JSON" "$(read_it '{"path":')" 'arguments: '

TS_EVENT_FD=3 "$tools/read_file" run 3>events >/dev/null <<-END
	{"path":"plain","offset":2,"limit":2}
END
is "a person gets the number of lines" "$(jq -r .text events)" "lines 2-3 of 4"
is "prepare has nothing to add" "$(echo '{"path":"plain"}' | "$tools/read_file" prepare)" '{}'
must_fail 2 "neither prepare nor run" "$tools/read_file" go
must_fail 2 "no verb" "$tools/read_file"
if [ -w /dev/full ]; then
	must_fail 111 "a full disk is noticed" sh -c \
		'echo "{\"path\":\"plain\"}" | "$1" run >/dev/full' sh "$tools/read_file"
fi

done_testing
