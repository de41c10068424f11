#!/bin/sh
# ts-html: pages become text to read, and hostile ones do no harm.
. "${0%/*}/lib.sh"

page() { # page TITLE HTML WANTED [options]
	title=$1 html=$2 wanted=$3
	shift 3
	is "$title" "$(printf '%b' "$html" | timeout 30 ts-html "$@" 2>&1)" "$(printf '%b' "$wanted")"
}

page "paragraphs" '<p>One</p><p>Two</p>' 'One\n\nTwo'
page "line breaks" 'line<br>line' 'line\nline'
page "two line breaks are a paragraph" 'a<br><br><br>b' 'a\n\nb'
page "styles are no text" '<style>p{x:y}</style>T' 'T'
page "nor scripts" 'a<script>if (1 < 2) "</p>"</script>b<script src=x></script>' 'ab'
page "nor comments" 'a<!-- <p>no</p> -->b<!---->c' 'abc'
page "signs in text" '1 < 2 and 3 > 2' '1 < 2 and 3 > 2'
page "signs in attributes" "<img alt='a>b'>c" '[image: a>b]c'
page "entities" 'a&nbsp;b &copy; &#65; &lt;p&gt; &#x1F600;' 'a\0302\0240b \0302\0251 A <p> \0360\0237\0230\0200'
page "white space" 'x\t\t y\n\n\n\nz' 'x y\n\nz'
page "white space between elements" '<b>a</b>\n  <i>b</i> <u> c </u>d' 'a b c d'
page "a title" '<title>T &amp; t</title><meta name=x content=y><body>b' 'T & t\n\nb'
page "headings" '<h1>A</h1>x<h3>B\n\nb</h3>y' '# A\n\nx\n\n### B b\n\ny'
page "lists" '<ul><li>a<ul><li>b</ul><li><p>c<p>d</ul>e' '- a\n  - b\n- c\n\n  d\n\ne'
page "numbers" '<ol start=9><li>a<li>b<li value=3>c</ol>' '9. a\n10. b\n3. c'
page "empty items" '<ul><li></li><li>a</li><li> </li></ul>b' '- a\n\nb'
page "cells" '<table><tr><th>a<th>b<tr><td><p>1</p><td>2<tr><td><td>x</table>' 'a | b\n1 | 2\n| x'
page "tables for layout" '<table><tr><td><p>a<p>b<td>c</table>' 'a\n\nb\n\nc'
page "preformatted text" 'a<pre>\n b  c\n\td\n\n\ne</pre>f' 'a\n\n b  c\n\td\n\n\ne\n\nf'
page "quotations" 'a<blockquote>b<p>c</blockquote>d' 'a\n\n> b\n\n> c\n\nd'
page "definitions" '<dl><dt>a<dd>b<dt>c<dd>d</dl>' 'a\n  b\nc\n  d'
page "what is hidden" 'a<p hidden>b</p><div style="Display : None">c</div><i style="visibility:hidden">d</i>e' 'ae'
page "what cannot be seen" 'a\0342\0200\0213b\0342\0200\0256c\0363\0240\0201\0201d\033[31me\0302\0255f' 'abcd\0357\0277\0275[31mef'
page "joiners of words and faces stay" '\0360\0237\0221\0250\0342\0200\0215\0360\0237\0221\0251' '\0360\0237\0221\0250\0342\0200\0215\0360\0237\0221\0251'
page "choices and media" 'a<select><option>b</select><iframe>c</iframe><video>d</video><svg><text>e</text></svg><template>f</template>g' 'ag'
page "bad UTF-8" 'a\0377b' 'a\0357\0277\0275b'
page "NUL" 'a\0000b' "ab"

page "links" '<a href="https://e.example/x?y=1&amp;z">a</a> b' 'a (https://e.example/x?y=1&z) b'
page "a link that is its own text" '<a href="https://e.example/">https://e.example/</a>' 'https://e.example/'
page "links within the page, programs, data" '<a href="#x">a</a> <a href=" JavaScript:x">b</a> <a href="data:x,y">c</a> <a href="">d</a>' 'a b c d'
page "no links" '<a href="https://e.example/">a</a>' 'a' --no-links
page "links without text" 'a<a href="https://e.example/"><img src=x></a>' 'a'
page "a target stays one word" '<a href="https://e.example/a b)(c">a</a>' 'a (https://e.example/a%20b%29%28c)'
page "relative links" '<a href="x">a</a> <a href="/y">b</a> <a href="?q">c</a> <a href="//f.example/z">d</a> <a href="../u#p">e</a> <a href="mailto:me@x">f</a>' \
	'a (https://e.example/d/x) b (https://e.example/y) c (https://e.example/d/p?q) d (https://f.example/z) e (https://e.example/u#p) f (mailto:me@x)' \
	--base https://e.example/d/p
page "a base in the page" '<base href="/other/"><a href="x">a</a>' 'a (https://e.example/other/x)' --base https://e.example/d/p
page "nothing" '' ''

must_fail 1 "a base that is no URL" ts-html --base nonsense </dev/null
must_fail 2 "an operand" ts-html page.html
printf 'abcdef' | ts-html --max-bytes 3 >output 2>errors
is "a long page is cut" "$? $(cat output)" "0 abc"
like "and that is said" "$(cat errors)" "^ts-html: the page is longer than 3 bytes"
echo a | ts-html >/dev/full 2>errors
is "a full disk is noticed" "$?" 111

# Hostile pages: they end, one way or the other, in time and within their memory.
repeat() { awk -v text="$1" -v count="$2" 'BEGIN { for (i = 0; i < count; i++) printf "%s", text }'; }
survives() { # survives TITLE [options]
	title=$1
	shift
	timeout 60 ts-html --timeout 2 "$@" <hostile >output 2>errors
	status=$?
	case $status in 0 | 1) report ok "$title: ends with $status" ;; *)
		report not-ok "$title: ended with $status"
		diagnose "$(head -c 500 errors)"
		;;
	esac
}
repeat '<div>' 300000 >hostile
survives "elements inside each other"
like "which may take too long, and says so" "$(cat errors)" "^(ts-html: the page is so intricate .*)?$"
repeat '<b><i>' 5000 >hostile
survives "formats inside each other"
repeat '<a href=x>' 20000 >hostile
survives "links inside each other"
repeat '<table><tr><td>' 2000 >hostile
survives "tables inside each other"
repeat '<ul><li>' 5000 >hostile
survives "lists inside each other"
repeat '<p>a&#x41;</p>' 300000 >hostile
survives "many paragraphs" --memory 20
like "memory is bounded" "$(cat errors)" "^ts-html: the parsed page needs more than 20 MiB of memory"
{ printf '<p '; repeat 'a' 3000000; } >hostile
survives "an attribute without end"
repeat '<svg><math><select><frameset>' 10000 >hostile
survives "foreign elements"
head -c 300000 /dev/urandom >hostile
survives "noise"

done_testing
