#!/bin/sh
# ts-approve on a terminal: what is shown, what is understood, and Ctrl-C.
. "${0%/*}/lib.sh"
command -v expect >/dev/null || skip_all "expect is not installed"

item() {
	jq -nc --arg c "$1" --arg i "$2" '{call_id: $i, func_name: "bash", header: "HEAD", preview: $c,
		approval_label: "bash", needs_approval: true, error: null, arguments: {command: $c},
		repaired: false, paths: [], outside: false}'
}
# ask REPLIES ITEM...: types each reply (a Tcl string) at a prompt; the terminal's text is in screen
ask() {
	replies=$1
	shift
	printf '{"type":"prepared","batch_id":"b","items":[%s]}\n' "$(printf '%s\n' "$@" | paste -sd,)" >in
	cat >script.exp <<-END
		set timeout 10
		log_user 1
		spawn -noecho sh -c "ts-approve <in >out 2>errors"
		foreach reply [list $replies] {
			expect "for help] " {} timeout { exit 9 }
			send -- \$reply
		}
		expect eof
		lassign [wait] pid id system status
		exit \$status
	END
	timeout 20 expect script.exp >screen 2>&1
	jq -r 'select(.type == "decided") | .items[] | "\(.decision) \(.decided_by)"' out | tr '\n' ,
}
reason() { jq -r 'select(.type == "decided") | .items[0].reason' out; }

is "y allows" "$(ask '"y\r"' "$(item 'ls' 1)")" "allow person,"
is "and the call was seen" "$(jq -r 'select(.type == "decided") | .items[0].seen' out)" true
is "n denies, with a message" "$(ask '"n, use paths\r"' "$(item 'ls' 1)")" "deny person,"
is "E-36: the model reads both" "$(reason)" "Denied by the user: use paths"
is "nothing is no" "$(ask '"\r"' "$(item 'ls' 1)")" "deny person,"
is "so is ok" "$(ask '"ok\r"' "$(item 'ls' 1)")" "deny person,"
is "yes with a message" "$(ask '"YES use paths\r"' "$(item 'ls' 1)")" "allow person,"
is "the message goes behind the results" "$(jq -r 'select(.type == "decided") | .feedback' out)" "use paths"
is "what only begins with yes is no" "$(ask '"yes please, do it\r"' "$(item 'ls' 1)")" "deny person,"
is "E-37: call by call" "$(ask '"2 n\r" "y\r"' "$(item 'ls' 1)" "$(item 'make' 2)")" "allow person,deny person,"
is "? explains and asks again" "$(ask '"?\r" "y\r"' "$(item 'git status -s' 1)")" "allow person,"
like "with what always covers" "$(cat screen)" 'bash: git status \*'
is "Ctrl-C denies and cancels" "$(ask '"\003"' "$(item 'ls' 1)")" "deny cancelled,"
is "and says so to the pipeline" "$(jq -r .type out | tail -n 1)" cancel
is "Ctrl-D too" "$(ask '"\004"' "$(item 'ls' 1)")" "deny cancelled,"

rm -f go
cat >ahead.exp <<-'END'
	set timeout 10
	spawn -noecho sh -c "until test -e go; do sleep 0.05; done; ts-approve <in >out 2>errors"
	send -- "y\r"
	expect "y" {} timeout { exit 9 }
	exec touch go
	expect "for help] " {} timeout { exit 9 }
	send -- "n\r"
	expect eof
END
timeout 20 expect ahead.exp >screen 2>&1
is "E-90: what was typed before the question does not answer it" \
	"$(jq -r 'select(.type == "decided") | .items[0].decision' out)" deny

long=$(printf 'line %s\n' $(seq 1 100); printf 'end\033[2Jx')
is "a long command" "$(ask '"y\r"' "$(item "$long" 1)")" "allow person,"
is "E-87: all of it is shown" "$(grep -c '^ *line ' screen)" 100
ok "E-88: with its control bytes made visible" sh -c 'grep -q "end␛\[2Jx" screen && ! grep -q "$(printf "\033\[2J")" screen'

done_testing
