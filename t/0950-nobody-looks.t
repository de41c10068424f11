#!/bin/sh
# What a model may reach when nobody looks at its calls (--skip-permissions): a user's files, a
# key, places outside the project.
# shellcheck disable=SC2088,SC2016 # the tool, or another shell, expands it
. "${0%/*}/lib.sh"
need_sandbox

call() { # TOOL ARGUMENTS [OPTION...] of ts-approve: the result
	name=$1 arguments=$2
	shift 2
	[ $# -gt 0 ] || set -- --skip-permissions
	jq -nc --arg t "$name" --arg a "$arguments" \
		'{type: "tool_batch", calls: [{call_id: "c1", name: $t, arguments: $a}]}' |
		timeout 30 ts-tool-prep | timeout 30 ts-approve "$@" | timeout 30 ts-tool-exec |
		jq -c 'select(.type == "tool_result")'
}
output() { jq -r .output; }

# What the sandbox hides is not opened by a flag that allows everything.
echo 'a hidden marker' >"$HOME/credentials"
echo 'a hidden marker' >"$HOME/.env"
mkdir "$WORK/other" && echo 'a hidden marker' >"$WORK/other/file"
for path in "$HOME/credentials" '~/credentials' '~/.env' "$WORK/other/file" ../other/file \
	"/proc/$$/root$HOME/credentials"; do
	unlike "read_file $path" "$(call read_file "{\"path\":\"$path\"}")" 'hidden marker'
done
for path in "$HOME" "$WORK/other" /tmp "/proc/$$/cwd/.."; do
	unlike "search in $path" "$(call search "{\"query\":\"hidden\",\"path\":\"$path\"}")" 'hidden marker'
done
ln -s "$HOME/credentials" link
unlike "through a link in the project" "$(call read_file '{"path":"link"}')" 'hidden marker'
like "what can be seen by all is read" "$(call read_file '{"path":"/etc/passwd"}' | output)" root
printf '[[allow]]\ntool = "read_file"\npath = "%s/**"\n' "$WORK/other" >policy.toml
like "what a rule names is opened" \
	"$(call read_file "{\"path\":\"$WORK/other/file\"}" --policy policy.toml --ask never | output)" 'hidden marker'

# A file that the sandbox would forget is not said to be written.
for path in "$HOME/new" "$WORK/other/new" /tmp/turnstone-new /etc/turnstone-new; do
	result=$(call write_file "{\"path\":\"$path\",\"content\":\"x\"}")
	is "write_file $path" "$(printf '%s\n' "$result" | jq -r .status)" error
	like "which says why" "$result" 'outside the project'
	ok "and is not there" test ! -e "$path"
done
is "a further root is written to" \
	"$(TURNSTONE_TOOLS_ROOTS=$WORK/other && export TURNSTONE_TOOLS_ROOTS &&
		call write_file "{\"path\":\"$WORK/other/new\",\"content\":\"x\"}" | jq -r .status)" ok
ok "and has it" test -e "$WORK/other/new"

# A tool of the user's whose program lies in the home directory does not open all of it.
mkdir -p "$XDG_CONFIG_HOME/turnstone/tools"
printf '#!/bin/sh\ncat ~/credentials; echo ran; . "${0%%/*}/part" || true\n' >"$HOME/own"
cp "$HOME/own" "$XDG_CONFIG_HOME/turnstone/tools/beside"
echo 'echo its part' >"$XDG_CONFIG_HOME/turnstone/tools/part"
chmod +x "$HOME/own" "$XDG_CONFIG_HOME/turnstone/tools/beside"
for command in "$HOME/own" beside; do
	name=${command##*/}
	printf '{"name":"%s","description":"a tool that is used by a test","parameters":{"type":"object",
		"properties":{},"additionalProperties":false},"command":["%s"]}' "$name" "$command" \
		>"$XDG_CONFIG_HOME/turnstone/tools/$name.json"
done
result=$(call own '{}')
like "a program in the home directory runs" "$result" ran
unlike "and sees nothing else there" "$result" 'hidden marker'
like "one beside its definition has what lies beside it" "$(call beside '{}')" 'its part'

done_testing
