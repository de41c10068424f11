#!/bin/sh
# examples/policy.toml does what its comments say.
. "${0%/*}/lib.sh"

judge() {
	jq -nc --arg c "$1" '{type: "tool_batch", calls: [{name: "bash", arguments: {command: $c}}]}' |
		ts-tool-prep | ts-approve --ask never --policy "$SOURCE/examples/policy.toml" |
		jq -r 'select(.type == "decided") | .items[] | "\(.decision) \(.decided_by)"'
}
while IFS='	' read -r wanted command; do
	is "$command" "$(judge "$command")" "$wanted"
done <<'END'
allow policy	git log -5 | head -n 3 && ls
allow policy	cd sub && make check
allow policy	find . -name x
deny nobody	find . -name x -delete
deny nobody	git commit -m x
deny nobody	curl http://example.com
deny nobody	cat a > b
deny policy	ls; rm -rf x
deny policy	git push
deny policy	sudo ls
END

done_testing
