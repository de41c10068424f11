#!/bin/sh
# ts-mcp session: servers kept between calls, started again when they die, and never in a hurry.
. "${0%/*}/lib.sh"

server=$SOURCE/t/mcp-server
mkdir -p "$XDG_CONFIG_HOME/turnstone"
cat >"$XDG_CONFIG_HOME/turnstone/config.toml" <<E2
[mcp]
start_timeout = 20
[mcp.servers.lab]
command = "$server"
args = ["pid=$WORK/pids", "drop=$WORK/drop"]
[mcp.servers.broken]
command = "$server"
args = ["exit-at-start", "pid=$WORK/broken"]
[mcp.servers.mute]
command = "$server"
args = ["hang=tools/call", "log=$WORK/mute"]
timeout = 30
E2

# What ts-chat does: a listening socket on descriptor 3, a stdin whose end is the end.
TS_MCP_SOCKET=$WORK/s
mkfifo hold
background perl -MSocket -MPOSIX -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;
	bind($s, pack_sockaddr_un($ARGV[0])) or die; listen($s, 64) or die;
	open(STDIN, "<", "hold") or die; open(STDOUT, ">", "info") or die;
	fileno($s) == 3 || POSIX::dup2(fileno($s), 3); fcntl($s, 2, 0); exec "ts-mcp", "session"' "$TS_MCP_SOCKET"
session=$pid
exec 7>hold
wait_for 20 test -S "$TS_MCP_SOCKET"
export TS_MCP_SOCKET
mcp() { timeout 60 ts-mcp "$@" 2>&1; }
count() { wc -l <"$1"; }
# Lines to the socket by hand; the first answer.
talk() { perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un($ARGV[0])) or die;
	local $/; my $in = <STDIN>; syswrite($s, $in); shutdown($s, 1) if $ARGV[1]; $/ = "\n"; print scalar <$s>' "$TS_MCP_SOCKET" "$@"; }

ok "nothing is started before the first call" test ! -e "$WORK/pids"
like "status says so" "$(mcp status)" '^lab: not started$'
is "the first call" "$(mcp call lab echo '{"text":"1"}')" "echo: 1"
is "the second one" "$(mcp call lab echo '{"text":"2"}')" "echo: 2"
is "are answered by one process" "$(count "$WORK/pids")" 1
like "status knows it" "$(mcp status)" '^lab: ready, protocol 2025-11-25, 18 tools, test 1$'

# At the same time.
callers=
for n in 1 2 3 4 5 6 7 8; do
	ts-mcp call lab echo "{\"text\":\"n$n\"}" >"got.$n" 2>&1 &
	callers="$callers $!"
done
# shellcheck disable=SC2086 # a list
wait $callers
is "eight callers each get their own answer" "$(cat got.? | tr '\n' ' ')" \
	"echo: n1 echo: n2 echo: n3 echo: n4 echo: n5 echo: n6 echo: n7 echo: n8 "
background ts-mcp call mute echo '{"text":"x"}'
mute=$pid
wait_for 20 grep -q tools/call "$WORK/mute"
is "a server that hangs holds up nobody else" "$(mcp call lab echo '{"text":"3"}')" "echo: 3"
kill -9 "$mute"
wait "$mute" 2>/dev/null
ok "a caller that was killed has its call cancelled" wait_for 10 grep -q notifications/cancelled "$WORK/mute"

# Dying.
like "a server that dies in a call" "$(mcp call lab die)" 'ended with exit code 3: last words'
is "is started again for the next one" "$(mcp call lab echo '{"text":"4"}')" "echo: 4"
is "once" "$(count "$WORK/pids")" 2
like "status remembers why" "$(mcp status)" 'last error: .*exit code 3'
kill -9 "$(tail -n 1 "$WORK/pids")"
ok "a server that is killed is noticed" wait_for 10 sh -c 'ts-mcp status | grep -q "^lab: failed"'
is "and started again when it is needed" "$(mcp call lab echo '{"text":"5"}')" "echo: 5"

# Refusing to start: no hurry.
for n in 1 2 3 4 5 6 7 8; do mcp call broken echo '{"text":"x"}' >"answer"; done
like "a server that never starts" "$(cat answer)" "exit code 7: no license found; it is not started again for [0-9]+ s"
starts=$(count "$WORK/broken")
ok "was tried fewer times than it was called ($starts)" test "$starts" -lt 8
ticks() { awk '{print $14 + $15}' "/proc/$session/stat"; }
before=$(ticks)
sleep 1
is "and not without being called" "$(count "$WORK/broken")" "$starts"
ok "nobody spins" test $(($(ticks) - before)) -le 5
is "the others are not disturbed" "$(mcp call lab echo '{"text":"6"}')" "echo: 6"

# Changes.
printf x >"$WORK/drop"
mcp call lab change >/dev/null
ok "a changed list is announced" wait_for 10 grep -q "'lab' has changed its tools (new: extra)" info
is "and the store has the new one" "$(TS_MCP_SOCKET='' ts-mcp tools 2>/dev/null | jq -r '.[].name' | grep -c mcp__lab__extra)" 1

# Hostile clients.
like "no JSON" "$(echo nonsense | talk)" '"type":"error"'
like "another type" "$(echo '{"type":"dance"}' | talk)" 'a request is a line of type call or status'
like "no server" "$(echo '{"type":"call","server":"none","tool":"x"}' | talk)" "there is no MCP server 'none'"
like "wrong members" "$(echo '{"type":"call","server":1,"tool":[]}' | talk)" '"type":"error"'
is "half a line, then nothing" "$(printf '{"type":' | talk half | grep -c error)" 1
is "the session still works" "$(mcp call lab echo '{"text":"7"}')" "echo: 7"

# The end.
exec 7>&-
ok "it ends with its stdin" wait_for 15 gone "$session"
ok "and its servers with it" wait_for 15 all_gone "$WORK/pids"
must_fail 1 "nobody is there any more" ts-mcp call lab echo '{"text":"x"}'
like "which is said" "$(cat "$WORK/.fail-output")" "connect to '$WORK/s': Connection refused"
done_testing
