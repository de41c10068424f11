#!/bin/sh
# shellcheck disable=SC2016 # commands under test
# What a deny rule names does not get through unasked, whatever it is dressed as; and every refusal
# says why. All other commands are allowed here: only the rule stands in the way.
. "${0%/*}/lib.sh"

cat >policy.toml <<'TOML'
[[deny]]
tool = "bash"
command = ["rm *", "git push*", "> secret*", "> /etc/*"]
reason = "not here"
[[allow]]
tool = "bash"
[[deny]]
tool = "mcp__files__delete*"
[[allow]]
tool = "mcp__files__*"
TOML
ln -s /bin/rm link
mkdir sub && ln -s ../secret sub/alias && : >secret

# One batch for all: each line is the verdict wanted and a command, \n for a newline.
cat >cases <<'CASES'
policy	rm x
policy	echo $(rm x)
policy	echo `rm x`
policy	echo "$(rm x)"
policy	echo "a`rm x`b"
policy	echo $(echo $(rm x))
policy	ls; rm x
policy	ls;rm x
policy	ls && rm x
policy	ls&&rm x
policy	ls || rm x
policy	ls | rm x
policy	ls |& rm x
policy	ls & rm x
policy	ls\nrm x
policy	ls #\nrm x
policy	ls \\\nx; rm x
policy	rm\\\n x
policy	r\\\nm x
policy	A=1 rm x
policy	A=1 B=$(ls) rm x
policy	A=$(rm x)
policy	r"m" x
policy	r'm' x
policy	r\\m x
policy	\\rm x
policy	"rm" x
policy	'/bin/rm' x
policy	/bin/rm x
policy	/usr/bin/../bin/rm x
policy	./link x
policy	../project/link x
policy	command rm x
policy	command -p rm x
policy	command -- rm x
policy	builtin rm x
policy	exec rm x
policy	exec -a ls rm x
policy	xargs rm
policy	ls | xargs -n1 rm
policy	ls | xargs -I{} rm {}
policy	find . -exec rm {} \\;
policy	find . -execdir rm {} +
policy	find . -ok rm {} \\;
policy	sh -c 'rm x'
policy	sh -c "ls; rm x"
policy	bash -lc 'rm x'
policy	sh -c 'sh -c "rm x"'
policy	env rm x
policy	env -i A=1 rm x
policy	sudo -n rm x
policy	nohup rm x
policy	nice -n 5 rm x
policy	timeout 5 rm x
policy	setsid rm x
policy	busybox rm x
policy	/bin/busybox rm x
policy	ssh host rm x
policy	watch rm x
policy	parallel rm ::: x
policy	cat <<E\n$(rm x)\nE
policy	cat <<-E\n\t`rm x`\n\tE
policy	cat <<< "$(rm x)"
policy	cat <<'E'; rm x\nE
policy	f() { rm x; }; f
policy	function f { rm x; }; f
policy	eval rm x
policy	eval "r""m x"
policy	trap 'rm x' EXIT
policy	(rm x)
policy	{ rm x; }
policy	! rm x
policy	time rm x
policy	if rm x; then ls; fi
policy	while rm x; do ls; done
policy	for i in a; do rm $i; done
policy	case x in x) rm x;; esac
policy	[[ -n $(rm x) ]]
policy	echo ${x:-$(rm x)}
policy	cat <(rm x)
policy	ls >(rm x)
policy	git  push
policy	git\tpush
policy	git pu''sh
policy	GIT_DIR=x git push
policy	echo > /etc/passwd
policy	echo >secret
policy	echo >>secret.txt
policy	echo >|secret
policy	echo 2>secret
policy	echo &>secret
policy	exec >secret
policy	: > ./secret
policy	: > sub/../secret
policy	: > sub/alias
policy	: > ../project/secret
nobody	echo rm x | sh
nobody	sh <<E\nrm x\nE
nobody	bash <<'E'\nrm x\nE
nobody	sh -s x
nobody	sh /dev/stdin <<E\nrm x\nE
nobody	sh - <<E\nrm x\nE
nobody	env sh <<E\nrm x\nE
nobody	. /dev/stdin <<E\nrm x\nE
nobody	source <(echo rm x)
nobody	ls | xargs sh
nobody	sh -c "$X"
nobody	eval "$X"
nobody	{rm,x}
nobody	{r,}m x
nobody	r{m,} x
nobody	alias a='rm x'\na
nobody	$'rm' x
nobody	$'\\x72m' x
nobody	X=rm; $X x
nobody	X=m; r$X x
nobody	r${X}m x
nobody	rm$IFS-rf
nobody	/bin/r? x
nobody	[ -v 'a[$(rm x)]' ]
nobody	echo "${x:=`rm x`}"
nobody	echo $((`rm x`))
nobody	coproc rm x
nobody	git pu$X
nobody	> sec$X
nobody	ls 'x
nobody	f() { git "$@"; }; f push
policy-allow	ls -l
policy-allow	echo 'rm x'
policy-allow	echo "rm x" > out
policy-allow	cat <<'E'\n$(rm x)\nE
policy-allow	which sh
policy-allow	sh script.sh
policy-allow	grep rm x
policy-allow	echo pre-rm x
CASES
jq -Rnc '[inputs | split("\t") | {wanted: .[0], command: (.[1:] | join("\t"))}]' cases >cases.json
# \n, \t and \\ are written out; jq undoes them like JSON does.
jq -c '[.[] | .command |= (gsub("\\\\n"; "\n") | gsub("\\\\t"; "\t") | gsub("\\\\\\\\"; "\\"))]' cases.json >cases2.json
jq -c '{type: "prepared", batch_id: "b", items: [to_entries[] | {call_id: ("c" + (.key | tostring)),
	func_name: "bash", header: "h", preview: .value.command, needs_approval: true, error: null,
	arguments: {command: .value.command}, repaired: false, paths: [], outside: false}]}' cases2.json >batch.ndjson
TS_NO_STORE=1 timeout 60 ts-approve --ask never --policy policy.toml <batch.ndjson >lines
jq -r 'select(.type == "decided") | .items[] | "\(.decision)\t\(.decided_by)\t\(.reason // "-")"' lines >decisions
is "every command is decided" "$(wc -l <decisions)" "$(jq length cases2.json)"
number=0
while IFS='	' read -r wanted command; do
	number=$((number + 1))
	command=$(printf '%s' "$command" | tr '\\' '|') # echo would undo it
	IFS='	' read -r decision by reason <<-LINE
		$(sed -n "${number}p" decisions)
	LINE
	case $wanted in
	policy) is "denied: $command" "$decision $by $reason" "deny policy Denied by a rule: not here" ;;
	nobody)
		like "not certain, so asked: $command" "$decision $by $reason" \
			'^deny nobody Denied: nobody could be asked.*it is asked because .*known only when it runs'
		;;
	*) is "allowed: $command" "$decision $by" "allow policy" ;;
	esac
done <cases

# Tools of MCP servers by name.
mcp() {
	jq -nc --arg t "$1" '{type: "prepared", batch_id: "m", items: [{call_id: "1", func_name: $t,
		needs_approval: true, arguments: {}, paths: [], outside: false, repaired: false}]}' |
		TS_NO_STORE=1 ts-approve --ask never --policy policy.toml |
		jq -r 'select(.type == "decided") | .items[0] | "\(.decision) \(.decided_by) \(.rule)"'
}
is "a rule names a server's tools" "$(mcp mcp__files__read)" "allow policy policy.toml:9"
is "and denies one of them" "$(mcp mcp__files__delete_all)" "deny policy policy.toml:7"
is "another server's are not meant" "$(mcp mcp__other__read)" "deny nobody null"

# The tester.
tell() {
	ts-approve --explain --policy policy.toml "$@" >said 2>errors
	echo "$? $(tail -n 1 said)"
}
is "explain: denied, with the rule's place" "$(tell bash 'ls; rm x')" "1 deny: by the rule policy.toml:1 (not here)"
is "with each simple command" "$(sed -n 2,3p said | tr '\n' ,)" \
	"    ls: allowed by policy.toml:5,    rm x: denied by policy.toml:1 (not here),"
is "explain: allowed" "$(tell bash 'ls')" "0 allow: by the rule policy.toml:5"
like "explain: asked, and why" "$(tell bash 'echo x | sh')" '^5 ask: .*a shell that reads what it runs'
like "explain: JSON arguments, and paths" "$(tell read_file '{"path":"/etc/passwd"}')" '^5 ask: it reaches outside'
like "explain: a tool that is not here is judged by name" "$(tell mcp__files__read '{}')" '^0 allow: by the rule policy.toml:9'
is "explain: prepared lines" "$(ts-approve --explain --policy policy.toml <batch.ndjson >said; echo $?)" 1
is "one verdict each" "$(grep -cE '^(allow|deny|ask): ' said)" "$(jq length cases2.json)"
must_fail 2 "explain: arguments that are none" ts-approve --explain read_file '{'
must_fail 2 "explain: a tool alone" ts-approve --explain bash

# A tool in the sandbox cannot answer: neither the doorbells nor the store are there.
if [ "$sandbox" = yes ]; then
	mkfifo in
	background sh -c 'exec timeout 60 ts-approve --ask lines <in >lines 2>errors' </dev/null
	approver=$pid
	exec 3>in
	jq -c '.items |= .[:1] | .items[0].arguments.command = "make"' batch.ndjson >&3
	wait_for 20 grep -q approval_request lines
	id=$(jq -r 'select(.request_id) | .request_id' lines)
	bell=$(ls "$XDG_RUNTIME_DIR"/turnstone/approve/*.sock)
	ok "there is a doorbell outside" test -S "$bell"
	ts-jail --profile workspace --project . --network -- sh -c \
		'test ! -e "$1" && ! ts-approve "$2" allow && ! ts-approve list | grep .' sh "$bell" "$id" >jailed 2>&1
	is "in the sandbox there is neither bell nor request" "$?" 0
	is "and the request still waits" "$(ts-approve --json list | jq -r .state)" waiting
	exec 3>&-
	wait "$approver"
else
	skip "in the sandbox there is neither bell nor request" "this kernel refuses a sandbox"
fi

done_testing
