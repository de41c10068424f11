#!/bin/sh
# The README's console blocks print what they say.
. "${0%/*}/lib.sh"

start_mock --script "$SOURCE/examples/scripts/tour.ndjson"
git init -q .
git config user.name Ann
git config user.email ann@example.org
mkdir src
echo 'int main(void) { return 0; }' >src/words.c
echo 'int words;' >src/count.c
mkdir examples
cp "$SOURCE/examples/policy.toml" examples/
git add -A
git commit -q -m 'count words'

# A block that shows a fence is fenced by a longer one.
awk '
function flush() {
	if (command != "") {
		n++
		printf "%s", command > ("command." n)
		printf "%s", wanted > ("wanted." n)
	}
	command = wanted = ""
}
/^````*console$/ { fence = substr($0, 1, index($0, "c") - 1); next }
fence != "" && $0 == fence { flush(); fence = ""; next }
fence != "" && /^\$ / { flush(); command = substr($0, 3) "\n"; more = 1; next }
fence != "" && more && /^> / { command = command substr($0, 3) "\n"; next }
fence != "" { more = 0; wanted = wanted $0 "\n" }
' "$SOURCE/README.md"

number=1
while [ -e "command.$number" ]; do
	# No terminal to ask, as in a script.
	setsid -w sh "command.$number" </dev/null >got 2>&1
	is "$(head -n 1 "command.$number")" "$(cat got)" "$(cat "wanted.$number")"
	number=$((number + 1))
done
ok "the README has its tour" test "$number" -gt 6
done_testing
