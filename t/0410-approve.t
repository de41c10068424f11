#!/bin/sh
# shellcheck disable=SC2016 # programs for sh and jq, and commands under test
# ts-approve: policy, flags, lines, filters, and nobody to ask.
. "${0%/*}/lib.sh"

# item TOOL ARGUMENTS [MEMBERS]: one call as ts-tool-prep hands it over
item() {
	jq -nc --arg t "$1" --argjson a "$2" --argjson m "${3:-null}" '{call_id: "1", func_name: $t,
		header: "h", preview: "p", approval_label: $t, needs_approval: true, error: null,
		arguments: $a, repaired: false, paths: [], outside: false} + ($m // {})'
}
bash_item() { item bash "$(jq -nc --arg c "$1" '{command: $c}')" "${2:-null}"; }
batch() { printf '{"type":"prepared","batch_id":"b1","items":[%s]}\n' "$1"; }
decide() { # decide ITEMS [options]: 'allow policy' and the like, one line a call
	items=$1
	shift
	batch "$items" | timeout 20 ts-approve "$@" >lines 2>errors
	jq -r 'select(.type == "decided") | .items[] | "\(.decision) \(.decided_by)"' lines
}
reason() { jq -r 'select(.type == "decided") | .items[0].reason' lines; }

# Nobody to ask.
is "lesson 6: without anybody to ask the answer is no" "$(setsid timeout 20 sh -c '
	printf "%s\n" "$1" | ts-approve' sh "$(batch "$(bash_item ls)")" |
	jq -r 'select(.type == "decided") | .items[0].decided_by')" nobody
is "--ask never too" "$(decide "$(bash_item ls)" --ask never)" "deny nobody"
like "the model is told why" "$(reason)" '^Denied: nobody could be asked'
is "what needs no approval runs" "$(decide "$(item read_file '{}' '{"needs_approval":false}')" --ask never)" "allow auto"
is "but not outside the project" \
	"$(decide "$(item read_file '{}' '{"needs_approval":false,"outside":true}')" --ask never)" "deny nobody"
is "T-7: nor when it was repaired" \
	"$(decide "$(item read_file '{}' '{"needs_approval":false,"repaired":true}')" --ask never)" "deny nobody"
is "an item that cannot run needs no decision" "$(decide "$(item x '{}' '{"error":"e"}')" --ask never)" "allow auto"
is "a batch that asks nobody is a tool_info" "$(jq -r .type lines | tr '\n' ' ')" "tool_info decided "
is "--auto-approve names tools" "$(decide "$(bash_item ls),$(item write_file '{}')" --ask never --auto-approve bash,x |
	tr '\n' ,)" "allow flag,deny nobody,"
is "--auto-approve never covers a repaired call" \
	"$(decide "$(bash_item ls '{"repaired":true}')" --ask never --auto-approve bash)" "deny nobody"
is "--skip-permissions runs everything" \
	"$(decide "$(bash_item ls '{"repaired":true,"outside":true}')" --skip-permissions)" "allow flag"
is "and marks nothing as seen" "$(jq -r 'select(.type == "decided") | .items[0].seen' lines)" false

# Policy.
cat >policy.toml <<'END'
[[deny]]
tool = "bash"
command = ["rm *", "git push*"]
reason = "nothing is removed here"
[[deny]]
tool = "*_file"
path = "secret/**"
[[ask]]
tool = "bash"
command = "git commit*"
[[allow]]
tool = "bash"
command = ["ls *", "git *", "cat *", "wc *", "> out/*"]
sandbox = "workspace"
[[allow]]
tool = "write_file"
path = ["src/**", "*.md"]
END
rule() { decide "$(bash_item "$1")" --ask never --policy policy.toml; }
while IFS='	' read -r wanted command; do
	is "policy: $command" "$(rule "$(printf '%b' "$command")")" "$wanted"
done <<'END'
allow policy	ls
allow policy	ls -l && cat a | wc -l
allow policy	for i in a b; do cat $i; done
allow policy	ls 2>/dev/null
allow policy	ls > out/list
allow policy	cat <<'E'\n$(rm x)\nE
deny nobody	ls > other
deny nobody	ls; make
deny nobody	git commit -m x
deny nobody	git pu$X
deny nobody	$X a
deny nobody	ls '
deny nobody	A=1 ls
deny nobody	/tmp/ls
deny policy	ls; rm x
deny policy	ls $(rm x)
deny policy	cat <<E\n`rm x`\nE
deny policy	/bin/rm x
deny policy	sudo -n rm x
deny policy	r"m" x
deny policy	bash -c 'ls; rm x'
deny policy	xargs rm x
deny policy	f() { rm x; }; f
END
like "the reason reaches the model" "$(rule 'rm x' >/dev/null; reason)" '^Denied by a rule: nothing is removed here$'
is "the sandbox of a rule is passed on" \
	"$(rule ls >/dev/null; jq -r 'select(.type == "decided") | .items[0].sandbox_choice' lines)" workspace
is "deny wins over --skip-permissions" "$(decide "$(bash_item 'rm x')" --policy policy.toml --skip-permissions)" "deny policy"
path_item() { item write_file "{\"path\":\"$1\"}" "{\"paths\":[\"$1\"],\"outside\":${2:-false}}"; }
paths() { decide "$(path_item "$@")" --ask never --policy policy.toml; }
is "a relative path pattern begins at the project" "$(paths "$PWD/src/a/b.c")" "allow policy"
is "* stops at a directory" "$(paths "$PWD/x/a.md")" "deny nobody"
is "deny by path" "$(paths "$PWD/secret/x")" "deny policy"
is "outside, only a rule that says where allows" "$(paths /etc/a.md true)" "deny nobody"
is "a repaired call is not allowed by a rule" \
	"$(decide "$(bash_item ls '{"repaired":true}')" --ask never --policy policy.toml)" "deny nobody"
for wrong in '[[alow]]' 'tool = "x"' '[[deny]]
comand = "x"' '[[deny]]
tool = 3' '[[deny]]
tool = "x"
sandbox = "off"' '[[allow]]
tool = "x"
command = []' '[[deny'; do
	printf '%s\n' "$wrong" >wrong.toml
	must_fail 3 "a wrong policy is refused: $(printf '%s' "$wrong" | tail -n 1)" \
		ts-approve --policy wrong.toml </dev/null
	like "and the place is named" "$(cat "$WORK/.fail-output")" 'wrong\.toml:[0-9]+:[0-9]+: '
done
must_fail 3 "a policy that is not there is refused" ts-approve --policy nowhere.toml </dev/null

# A command that decides.
asked() { decide "$(bash_item 'ls' "${2:-null}")" --approve-with "$1" "${3:---ask=auto}"; }
yes='printf "%s\n" "{\"type\":\"approve\",\"approved\":true}"'
is "a filter approves" "$(asked "$yes")" "allow filter"
is "the events come in order" "$(jq -r .type lines | tr '\n' ' ')" "approval_request approval_resolved decided "
is "the request has an id of 128 bits" "$(jq -r 'select(.request_id) | .request_id | length' lines | uniq)" 32
is "it reads the request" "$(asked 'jq -c "{type:\"approve\",request_id,approved:(.items[0].header == \"h\")}"')" "allow filter"
is "a filter denies with a message" \
	"$(asked 'printf "%s\n" "{\"type\":\"approve\",\"approved\":false,\"feedback\":\"use paths\"}"')" "deny filter"
is "E-36: denied, and why" "$(reason)" "Denied by the approver: use paths"
is "a filter that fails denies" "$(asked "$yes; exit 3")" "deny filter"
like "and says so" "$(reason)" 'failed with exit code 3'
is "garbage denies" "$(asked 'echo yes')" "deny filter"
is "silence denies" "$(asked ':')" "deny filter"
is "another request's answer denies" \
	"$(asked 'printf "%s\n" "{\"type\":\"approve\",\"request_id\":\"x\",\"approved\":true}"')" "deny filter"
is "one that takes too long denies" "$(asked 'sleep 60' null --timeout=1)" "deny timeout"
is "its environment holds no keys" "$(OPENAI_API_KEY=geheim asked "test -n \"\$OPENAI_API_KEY\" || $yes")" "allow filter"

# Lines.
talk() { # ts-approve by hand: answers are written to fd 3
	mkfifo "$WORK/in" 2>/dev/null || :
	# A fifo is opened by the child: here it would wait for the other end.
	background sh -c 'fifo=$1; exec timeout 20 ts-approve --ask lines <"$fifo" >lines 2>errors' \
		sh "$WORK/in"
	approver=$pid
	exec 3>"$WORK/in"
}
request_id() { jq -r 'select(.type == "approval_request") | .request_id' lines | head -n 1; }
hang_up() {
	exec 3>&-
	wait "$approver"
}
have() { [ "$(jq -r 'select(.type == "'"$1"'") | .type' lines 2>/dev/null | wc -l)" -ge "${2:-1}" ]; }
talk
batch "$(bash_item 'git status'),$(bash_item 'make' '{"call_id":"2"}')" >&3
wait_for 10 have approval_request
is "the request says what 'always' would cover" \
	"$(jq -r 'select(.type == "approval_request") | .items[].always_covers' lines | tr '\n' ,)" \
	"bash: git status *,bash: make,"
echo '{"type":"other","n":1}' >&3
wait_for 10 have other
ok "a line passes while the question stands" have other
printf '{"type":"approve","request_id":"nosuch","approved":true}\n' >&3
wait_for 10 have info
ok "an unknown request is answered and changes nothing" sh -c '! grep -q decided "$1"' sh lines
printf '{"type":"approve","request_id":"%s","decisions":[{"call_id":"1","approved":true,"always":true},{"call_id":"2","approved":false,"feedback":"no make"}]}\n' \
	"$(request_id)" >&3
wait_for 10 have decided
is "E-37: each call has its decision" \
	"$(jq -c 'select(.type == "decided") | .items[] | [.decision, .decided_by, .seen, .reason]' lines | tr '\n' ' ')" \
	'["allow","person",true,null] ["deny","person",false,"Denied by the user: no make"] '
printf '{"type":"approve","request_id":"%s","approved":true}\n' "$(request_id)" >&3
wait_for 10 have info 2
like "lesson 18: a late answer is told so" "$(jq -r 'select(.type == "info") | .message' lines | tail -n 1)" 'already resolved'
is "and decides nothing again" "$(grep -c '"type":"decided"' lines)" 1
batch "$(bash_item 'git status -s')" >&3
wait_for 10 have decided 2
is "E-89: always covers the same kind of command" \
	"$(jq -r 'select(.type == "decided") | .items[0].decided_by' lines | tail -n 1)" always
batch "$(bash_item 'git status; git push')" >&3
wait_for 10 have approval_request 2
ok "and nothing that is joined to it" have approval_request 2
batch "$(bash_item 'git push')" >&3
echo '{"type":"other","n":2}' >&3
wait_for 10 have other 2
is "requests come one at a time" "$(grep -c '"type":"approval_request"' lines)" 2
echo '{"type":"cancel"}' >&3
wait_for 10 have cancel
is "lesson 19: a cancel resolves what is asked and what waits, as cancelled" \
	"$(jq -r 'select(.type == "decided") | .items[0].decided_by' lines | tail -n 2 | uniq -c | sed 's/^ *//')" \
	"2 cancelled"
is "the cancel passes behind what it caused" "$(jq -r .type lines | tail -n 1)" cancel
batch "$(bash_item 'sudo reboot')" >&3
wait_for 10 have approval_request 3
hang_up
is "the end of the input answers no" "$(jq -r 'select(.type == "decided") | .items[0].decided_by' lines | tail -n 1)" nobody
is "and the program ends well" "$?" 0
is "nobody answers in time" "$({ batch "$(bash_item ls)"; sleep 2; } | ts-approve --ask lines --timeout 1 |
	jq -r 'select(.type == "decided") | .items[0].decided_by')" timeout

printf '%s\n' 'x' '{"type":"prepared"}' '{"type":"other"}' | ts-approve >lines
is "wrong lines are errors, others pass" "$(jq -r .type lines | tr '\n' ' ')" "error error other "
batch '"x",{}' | ts-approve --ask never >lines
is "odd items harm nothing" "$(jq -r .type lines | tail -n 1)" decided

done_testing
