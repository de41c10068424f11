#!/bin/sh
# ts-mock-llm under load: many streams at once, a client that does not read, limits.
. "${0%/*}/lib.sh"

# Wide enough for two ends of every connection, where the system allows it.
# shellcheck disable=SC3045 # -H and -S are in every sh here
hard=$(ulimit -H -n)
[ "$hard" = unlimited ] || [ "$hard" -ge 4096 ] || skip_all "only $hard open files allowed"
# shellcheck disable=SC3045
ulimit -S -n 4096

# clients COUNT PORT: COUNT streams at once; prints how many were complete and how many events came.
clients() {
	perl -MIO::Socket::INET -MIO::Poll -e '
		my ($count, $port) = @ARGV;
		my $body = q({"stream":true,"messages":[{"role":"user","content":"go"}]});
		my $request = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" .
			"Content-Length: " . length($body) . "\r\n\r\n" . $body;
		my $poll = IO::Poll->new;
		my (%text, $complete, $events);
		alarm 30;
		for (1 .. $count) {
			my $socket = IO::Socket::INET->new("127.0.0.1:$port") or die "connect: $!";
			syswrite $socket, $request;
			$text{$socket} = "";
			$poll->mask($socket => POLLIN);
		}
		while ($poll->handles) {
			$poll->poll;
			for my $socket ($poll->handles(POLLIN | POLLHUP | POLLERR)) {
				next if sysread $socket, $text{$socket}, 65536, length $text{$socket};
				$poll->remove($socket);
				$events += () = $text{$socket} =~ /"content":/g;
				$complete++ if $text{$socket} =~ /data: \[DONE\]\n\n/;
			}
		}
		print "$complete $events";
	' "$1" "$2"
}
port() { echo "$BASE_URL" | sed 's/.*:\([0-9]*\).*/\1/'; }
memory() { awk '/^VmHWM/ { print $2 }' "/proc/$mock_pid/status"; } # KiB, the highest so far

start_mock --synthesise --tokens 20 --rate 20
is '1500 streams at once, all complete' "$(clients 1500 "$(port)")" '1500 30000'
is 'and the next request is served' "$(curl -s "${BASE_URL%/v1}/health")" '{"status":"ok"}'
if [ -z "${SANITIZE:-}" ]; then
	ok 'in less than 60 MiB' test "$(memory)" -lt 61440
else
	skip 'in less than 60 MiB' 'memory under a checker is not ours'
fi
kill "$mock_pid"

start_mock --synthesise --tokens 1000000
background curl -sN --limit-rate 1k "$BASE_URL/chat/completions" -o /dev/null \
	-d '{"stream":true,"messages":[{"role":"user","content":"go"}]}'
whole=$(curl -sN -m 20 "$BASE_URL/chat/completions" \
	-d '{"stream":true,"messages":[{"role":"user","content":"go"}]}' | grep -c '"content":')
is 'a million tokens beside a client that hardly reads' "$whole" 1000000
if ! grep -q asan "/proc/$mock_pid/maps"; then
	ok 'are not held in memory' test "$(memory)" -lt 30720
else
	skip 'are not held in memory' 'memory under a checker is not ours'
fi
kill "$mock_pid"

start_mock --synthesise --tokens 3 --rate 10 --max-connections 5
is 'more clients than connections: the others wait' "$(clients 20 "$(port)")" '20 60'
kill "$mock_pid"

start_mock --synthesise --tokens 1 --log "$WORK/log"
perl -e 'print "{\"messages\":[{\"role\":\"user\",\"content\":\"", "x" x (20 << 20), "\"}]}"' \
	>"$WORK/large"
is 'a body of 20 MiB' "$(curl -s -o /dev/null -w '%{http_code}' "$BASE_URL/chat/completions" \
	-d "@$WORK/large")" 200
is 'is logged with its size' "$(sed -n 1p "$WORK/log" | jq .body_bytes)" \
	"$(wc -c <"$WORK/large" | tr -d ' ')"
perl -e 'print "x" x (70 << 20)' >"$WORK/large"
is 'a body over 64 MiB is refused' "$(curl -s -o /dev/null -w '%{http_code}' \
	"$BASE_URL/chat/completions" -H 'Expect:' -d "@$WORK/large")" 413
is 'deep JSON is refused' "$(perl -e 'print "[" x 100000' | curl -s -o /dev/null \
	-w '%{http_code}' "$BASE_URL/chat/completions" -d @-)" 400
is 'a NUL in the body is refused' "$(printf '{"messages":\0[]}' | curl -s -o /dev/null \
	-w '%{http_code}' "$BASE_URL/chat/completions" --data-binary @-)" 400
is 'headers over 64 KiB are refused' "$(perl -e 'print "X-Long: ", "y" x 70000' >"$WORK/header"
	curl -s -o /dev/null -w '%{http_code}' "$BASE_URL/models" -H "@$WORK/header")" 400
is 'and it still serves' "$(curl -s "${BASE_URL%/v1}/health")" '{"status":"ok"}'
done_testing
