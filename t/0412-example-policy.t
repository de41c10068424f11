#!/bin/sh
# examples/policy.toml does what its comments say.
. "${0%/*}/lib.sh"

judge() { # commands, one a line of stdin; a decision for each, in one batch
	jq -R . | jq -sc '{type: "tool_batch", calls: [.[] | {name: "bash", arguments: {command: .}}]}' |
		ts-tool-prep | ts-approve --ask never --policy "$SOURCE/examples/policy.toml" |
		jq -r 'select(.type == "decided") | .items[] | "\(.decision) \(.decided_by)"'
}
cat >cases <<'END'
allow policy	git log -5 | head -n 3 && ls
allow policy	cd sub && make check
allow policy	find . -name x
deny nobody	find . -name x -delete
deny nobody	find -delete
deny nobody	find -exec touch x {} +
deny nobody	find . -fls x
deny nobody	find $x
deny nobody	find *
deny nobody	git commit -m x
deny nobody	git log --output=x
deny nobody	git diff --stat --output x
deny nobody	git log $x
deny nobody	file -C -m x
deny nobody	sort -o x y
deny nobody	diff <(make install) x
deny nobody	[ -v 'a[$(make)]' ]
deny nobody	for x in 'a[$(make install)]'; do echo $((x)); done
deny nobody	echo 'a[$(make install)]'; echo $((_))
deny nobody	for PATH in ./bin; do ls; done
deny nobody	PATH=./bin ls
deny nobody	ls {PATH}>/dev/null; ls
deny nobody	GIT_EXTERNAL_DIFF=./x git diff
deny nobody	git -c core.pager=./x log
deny nobody	./ls
deny nobody	'ls /x'
deny nobody	echo ${ make install; }
deny nobody	ls ‘; { }; ls '$(make install)' ’
deny policy	find . -exec sh -c 'ls;rm x' ;
deny policy	command eval 'ls;rm x'
deny policy	jobs -x rm x
deny nobody	curl http://example.com
deny nobody	cat a > b
deny policy	ls; rm -rf x
deny policy	git push
deny policy	sudo ls
END
cut -f 2- cases | judge >got
is "every command has its decision" "$(wc -l <got)" "$(wc -l <cases)"
while IFS='	' read -r got wanted command; do
	is "$command" "$got" "$wanted"
done <<END
$(paste got cases)
END

done_testing
