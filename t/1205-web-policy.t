#!/bin/sh
# Policies for URLs: what is allowed is that host and path, whatever the spelling.
. "${0%/*}/lib.sh"

cat >policy.toml <<'END'
[[deny]]
tool = "web_fetch"
url = ["https://docs.python.org/private/*", "*://evil.example/*"]

[[allow]]
tool = "web_fetch"
url = ["https://docs.python.org/*", "https://*.example.org/*", "http://localhost:8000/*"]
END

cat >cases <<'END'
allow policy	https://docs.python.org/3/
allow policy	https://docs.python.org
allow policy	HTTPS://DOCS.PYTHON.ORG:443/3/
allow policy	https://docs.python.org./3/
allow policy	https://a.b.example.org/
allow policy	http://localhost:8000/x
deny nobody	http://docs.python.org/
deny nobody	https://docs.python.org:8443/
deny nobody	https://docs.python.org.evil.net/
deny nobody	https://evil.net/https://docs.python.org/
deny nobody	https://evil.net/?https://docs.python.org/
deny nobody	https://evil.net/#https://docs.python.org/
deny nobody	https://evil.net/.example.org/
deny nobody	https://evil.net?.example.org/
deny nobody	https://example.org/
deny nobody	https://evilexample.org/
deny nobody	http://localhost/
deny policy	https://docs.python.org/private/x
deny policy	https://docs.python.org/3/../private/x
deny policy	https://docs.python.org/%70rivate/x
deny policy	https://docs.python.org/%2e%2e/private/x
deny policy	https://DOCS.python.org/./private/x
deny policy	http://EVIL.example/
deny policy	https://evil.example:8443/x
deny policy	https://evil.example./x
END
cut -f 2 cases | jq -R . | jq -sc '{type: "tool_batch", calls: [.[] | {name: "web_fetch", arguments: {url: .}}]}' |
	ts-tool-prep | ts-approve --ask never --policy policy.toml |
	jq -r 'select(.type == "decided") | .items[] | "\(.decision) \(.decided_by)"' >decisions
is "a decision for each" "$(wc -l <decisions)" "$(wc -l <cases)"
cut -f 1 cases | paste - decisions | paste - cases | while IFS='	' read -r wanted got _ url; do
	[ "$wanted" = "$got" ] || echo "$url: $got, not $wanted"
done >wrong
is "as it should be" "$(cat wrong)" ""

# What has no safe reading cannot be fetched, whoever allows it.
for url in 'https://docs.python.org@evil.net/' 'https://docs.python.org\@evil.net/' \
	'https://docs.python.org%2f@evil.net/' 'https://evil.net\.docs.python.org/' \
	'https://docs.python.org /' 'file:///etc/passwd' 'https://0x7f.1/'; do
	is "$url: refused before it is judged" "$(jq -nc --arg url "$url" \
		'{type: "tool_batch", calls: [{name: "web_fetch", arguments: {url: $url}}]}' |
		ts-tool-prep | jq -r '.items[0] | (.error != null), .needs_approval' | tr '\n' ' ')" "true false "
done

# Patterns that name no host allow no URL, but "*".
decide() { # decide PATTERN
	printf '[[allow]]\ntool = "web_fetch"\nurl = "%s"\n' "$1" >one.toml
	echo '{"type":"tool_batch","calls":[{"name":"web_fetch","arguments":{"url":"https://docs.python.org/3/"}}]}' |
		ts-tool-prep | ts-approve --ask never --policy one.toml | jq -r 'select(.type == "decided") | .items[0].decision'
}
is "all" "$(decide '*')" allow
is "a part of the text" "$(decide '*python.org*')" deny
is "a beginning" "$(decide 'https://docs.python.org*')" deny
is "any scheme" "$(decide '*://docs.python.org/*')" allow
is "any host" "$(decide 'https://*/3/*')" allow

done_testing
