#!/bin/sh
# What a tool, a server or a model sends in masses costs no more than its own call.
. "${0%/*}/lib.sh"

tools=$XDG_CONFIG_HOME/turnstone/tools
mkdir -p "$tools"
tool() { # tool NAME < script
	cat >"$tools/$1" && chmod +x "$tools/$1"
	printf '{"name":"%s","description":"a tool that is used by a test","parameters":{"type":"object",
		"properties":{},"additionalProperties":false},"command":["%s"]}' "$1" "$1" >"$tools/$1.json"
}
tool flood <<'END'
#!/usr/bin/perl
open(my $events, ">&=", 3) or die;
my $line = '{"type":"progress","message":"' . "x" x 900 . "\"}\n";
for (1 .. 350000) { print $events $line or last }
open(my $mark, ">", "flooded");
END
jq -nc '{type: "tool_batch", calls: [{call_id: "c1", name: "flood", arguments: {}}]}' | timeout 30 ts-tool-prep |
	ts-approve --skip-permissions >calls
{
	timeout 60 ts-tool-exec <calls 2>errors
	echo $? >code
} | {
	wait_for 50 test -e flooded # a reader that is slow
	cat >lines
}
is "progress without end: exit code" "$(cat code errors)" 0
is "the result comes" "$(jq -r 'select(.type == "tool_result") | .status' lines)" ok
ok "and little else" test "$(wc -c <lines)" -lt 1000000

done_testing
