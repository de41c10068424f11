#!/bin/sh
# What is off limits stays so for tools that go through a whole tree, and a project cannot point
# at it either.
# shellcheck disable=SC2016 # commands for bash
. "${0%/*}/lib.sh"

ts-jail --explain >"$WORK/explanation" 2>"$WORK/refusal" ||
	skip_all "this kernel allows no sandbox: $(head -n 1 "$WORK/refusal")"

mkdir -p private/deep src "$WORK/other/secret"
echo 'marker in private' >private/deep/key
echo 'marker in a file' >token
echo 'marker in source' >src/a.c
echo 'marker beside' >"$WORK/other/file"
echo 'marker in secret' >"$WORK/other/secret/key"
mkdir -p "$XDG_CONFIG_HOME/turnstone"
printf '[tools]\ndeny_paths = ["private", "token", "not-there", "%s"]\nroots = ["%s"]\n' \
	"$WORK/other/secret" "$WORK/other" >"$XDG_CONFIG_HOME/turnstone/config.toml"

run_tool() { # TOOL ARGUMENTS: the output of the call, run without a question
	jq -nc --arg t "$1" --arg a "$2" '{type: "tool_batch", calls: [{name: $t, arguments: $a}]}' |
		timeout 20 ts-tool-prep | ts-approve --skip-permissions | timeout 20 ts-tool-exec |
		jq -r 'select(.type == "tool_result") | .output'
}
found=$(run_tool search '{"query":"marker"}')
like "search finds what may be seen" "$found" 'marker in source'
is "and nothing that is off limits" "$(printf '%s\n' "$found" | grep -c 'in private\|in a file')" 0
found=$(run_tool search "{\"query\":\"marker\",\"path\":\"$WORK/other\"}")
like "nor in a further root" "$found" 'marker beside'
is "whatever it holds" "$(printf '%s\n' "$found" | grep -c 'in secret')" 0
shell=$(run_tool bash '{"command":"cat private/deep/key token src/a.c; mv private p; rm -rf token; chmod 700 private; ls private; cat token"}')
like "bash reads the rest" "$shell" 'marker in source'
is "but no such file" "$(printf '%s\n' "$shell" | grep -c 'marker in [pa]')" 0
ok "which stays where it is" test -f private/deep/key -a -f token

is "ts-jail --hide: a directory" "$(ts-jail --hide private -- cat private/deep/key 2>/dev/null)" ""
is "and a file" "$(ts-jail --hide token -- cat token 2>/dev/null)" ""
like "--explain says so" "$(ts-jail --hide token --explain)" 'closed +/.*/token '
must_fail 111 "what is not there cannot be hidden" ts-jail --hide nothing -- true

# The kernel's own files: root may write them without any capability.
must_fail 1 "/proc/sys cannot be written" ts-jail -- sh -c \
	'pattern=$(cat /proc/sys/kernel/core_pattern) && (echo "$pattern" >/proc/sys/kernel/core_pattern) 2>/dev/null || exit 1'

# Another directory's configuration, for git outside.
git init -q repository && mkdir evil
ts-jail --project repository -- sh -c 'echo ../../evil >.git/commondir; echo x >.git/description'
is "a .git/commondir that a command made is removed" "$(ls repository/.git/commondir 2>/dev/null)" ""
is "and nothing else" "$(cat repository/.git/description)" x

# AGENTS.md
echo 'marker in home' >"$HOME/key"
echo '{"times":"always","content":"x"}' >script
start_mock --script script --model mock-1 --context-window 4096 --log requests
instructions() { timeout 20 ts-chat --no-stdin hello 2>&1 | jq -r 'select(.type == "info") | .message'; }
ln -s "$HOME/key" AGENTS.md
like "AGENTS.md that leads out of the project is not read" "$(instructions)" 'link out of the project'
rm AGENTS.md && mkfifo AGENTS.md
is "nor sent anywhere" "$(grep -c 'in home' requests)" 0
like "nor one that is a pipe" "$(instructions)" 'no regular file'
rm AGENTS.md && ln -s src/a.c AGENTS.md
like "a link inside the project is" "$(instructions)" 'using AGENTS.md'

# What a person is shown.
prepared=$(jq -nc '{type: "tool_batch", calls: [{name: "bash", arguments: {command: "make", directory: "src"}}]}' |
	timeout 20 ts-tool-prep | jq -r '.items[0].preview')
like "where a command runs is shown" "$prepared" "it runs in .*/src"

done_testing
