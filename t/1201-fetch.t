#!/bin/sh
# ts-fetch: what it prints, what it takes for text, and its limits of time and size.
. "${0%/*}/lib.sh"
. "$SOURCE/t/web.sh"

head -c 20000000 /dev/zero | gzip -9 >bomb.gz
WEB_BOMB=$PWD/bomb.gz
export WEB_BOMB
start_web
here="http://127.0.0.1:$WEB_PORT"

fetch "HTTP://127.0.0.1:$WEB_PORT/./text#part" >output 2>errors
is "a page" "$? $(cat errors)" "0 "
is "the line and the text" "$(cat output)" "$(printf '%s\nplain text' "{\"type\":\"fetched\",\"url\":\"$here/text\",\"final_url\":\"$here/text\",\"status\":200,\"content_type\":\"text/plain\",\"bytes\":11,\"truncated\":false,\"redirects\":[]}")"
is "the text alone" "$(fetch --body "$here/text")" "plain text"
fetch "$here/redirect?/permanent%3Fjson" >output
is "redirects are followed, also relative ones" "$(head -n 1 output | jq -c '[.status, .final_url, .redirects]')" \
	"[200,\"$here/json\",[\"$here/permanent?json\",\"$here/json\"]]"
is "the text behind them" "$(sed 1d output)" '{"a":1}'
is "bytes is what follows" "$(head -n 1 output | jq .bytes)" "$(sed 1d output | wc -c | tr -d ' ')"

fetch --same-host "$here/redirect?http://other.example/x" >output 2>errors
is "to another host only if wanted" "$? $(jq -r '.location + " " + (.status | tostring)' output)" \
	"1 http://other.example/x 302"
is "with www. it is the same host" "$(fetch --same-host --body "$here/redirect?text" 2>&1)" "plain text"

fetch "$here/status/404" >output 2>errors
is "another status is told" "$? $(head -n 1 output | jq .status) $(sed 1d output)" "1 404 status 404"
like "and said" "$(cat errors)" "GET $here/status/404: the server answered with status 404"

is "Latin 1 is read as browsers do" "$(fetch --body "$here/latin1")" "café"
is "a charset in the page" "$(fetch --body "$here/meta")" "<meta charset=windows-1251>привет"
is "a charset of two bytes" "$(fetch --body "$here/sjis")" "日本"
is "a byte order mark" "$(fetch --body "$here/utf16")" "hi"
is "no charset and no UTF-8" "$(fetch --body "$here/guess")" "naïve"
is "a charset that nobody knows" "$(fetch --body "$here/strange")" "ok"
is "what is no character" "$(fetch --body "$here/mixed")" "$(printf 'a\357\277\275b')"
is "no type at all" "$(fetch --body "$here/untyped")" "no type"
is "nothing at all" "$(fetch "$here/empty" | jq -c '[.status, .bytes]')" "[200,0]"

fails() { # fails CODE TITLE ERE ARGUMENT...
	wanted=$1 title=$2 pattern=$3
	shift 3
	fetch "$@" >output 2>errors
	is "$title" "$? $(cat output)" "$wanted "
	like "$title: said" "$(cat errors)" "^ts-fetch: GET $here/.*$pattern"
}
fails 1 "an image" "content is image/png \(2004 bytes\), no text" "$here/image"
fails 1 "what only calls itself text" "binary \(106 bytes\), although it is called text/plain" "$here/nul"
fails 1 "redirects without end" "more than 5 redirects" "$here/loop"
fails 1 "fewer redirects" "more than 0 redirects" --max-redirects 0 "$here/redirect?/text"
fails 1 "headers without end" "headers are over 65536 bytes" "$here/header-flood"
fails 1 "broken compression" "compression is broken" "$here/bad-gzip"
fails 1 "half an answer" "lost in mid-answer" "$here/half"
fails 1 "another protocol" "does not speak HTTP" "$here/nonsense"
fetch http://127.0.0.1:1/ >output 2>errors
is "nobody there" "$? $(cat output)" "1 "
like "nobody there: said" "$(cat errors)" "^ts-fetch: GET http://127.0.0.1:1/: cannot connect: Connection refused"
start=$(date +%s)
fails 124 "a server that dribbles" "no complete answer in time \([0-9]* bytes" --fetch-timeout 0.6 "$here/slow-body"
fails 124 "a server that says nothing" "no complete answer in time" --fetch-timeout 0.3 "$here/silent"
ok "both end in time" test $(($(date +%s) - start)) -lt 15

is "an endless page is cut" "$(fetch --max-bytes 1000 "$here/endless" | head -n 1 | jq -c '[.bytes, .truncated]')" "[1000,true]"
is "a bomb is counted unpacked" "$(fetch --max-bytes 100000 "$here/gzip-bomb" 2>&1 | tail -n 1)" \
	"ts-fetch: GET $here/gzip-bomb: the content is binary (100000 bytes), although it is called text/plain"
if [ -n "${SANITIZE:-}" ]; then
	skip "it needs little memory" "the sanitizer's own counts"
else
	is "it needs little memory" "$(prlimit --data=67108864 timeout 30 ts-fetch --ports '*' \
		--allow-addresses 127.0.0.1 --max-bytes 1000 "$here/endless" | head -n 1 | jq .bytes)" 1000
fi

# What is sent.
fetch --body "$here/echo" >output
like "who asks" "$(cat output)" "^User-Agent: turnstone/"
unlike "nothing else is told" "$(cat output)" "^(Cookie|Referer|Authorization|From|X-)"
printf '{"a":1}' | fetch --post --body --header-fd 5 "$here/echo" >output 5<<'END'
Authorization: Bearer secret
END
like "a POST" "$(cat output)" "^POST /echo"
like "with its headers" "$(cat output)" "^Authorization: Bearer secret"
is "and body" "$(tail -n 1 output)" '{"a":1}'
printf '{}' | fetch --post "$here/redirect?/text" >output 2>errors
is "a POST follows nothing" "$? $(jq -r .location output)" "1 $here/text"

must_fail 2 "no URL" ts-fetch
must_fail 2 "two URLs" ts-fetch http://a.example/ http://b.example/
timeout 20 ts-fetch --trusted "$here/text" >/dev/full 2>errors
is "a full disk is noticed" "$?" 111

done_testing
