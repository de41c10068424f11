#!/bin/sh
# ts-config edit never installs what does not load; trust is for one content at one place.
. "${0%/*}/lib.sh"

TURNSTONE_SYSTEM_CONFIG=/dev/null
export TURNSTONE_SYSTEM_CONFIG
unset VISUAL
user=$XDG_CONFIG_HOME/turnstone/config.toml

editor() { # editor TEXT: what the editor will write
	printf '#!/bin/sh\ncat >"$1" <<"END"\n%s\nEND\n' "$1" >"$WORK/editor"
	chmod +x "$WORK/editor"
	EDITOR=$WORK/editor
	export EDITOR
}

editor '[tools]
timeout = 44'
ok "edit makes the first file" ts-config edit
is "with what was written" "$(ts-config get tools.timeout)" 44
is "closed to others" "$(stat -c '%a %a' "$user")" "600 600"
editor '[tools]
timeout = "long"'
ts-config edit </dev/null >output 2>errors
is "a broken file is refused" "$? $(cat output)" "3 "
like "and the mistake told" "$(cat errors)" ':2:11: tools.timeout must be an integer, not a string'
is "the old one stands" "$(cat "$user")" '[tools]
timeout = 44'
printf '#!/bin/sh\nexit 7\n' >"$WORK/editor"
must_fail 1 "an editor that fails changes nothing" ts-config edit
is "nothing is left beside the file" "$(ls -A "${user%/*}")" config.toml
printf '#!/bin/sh\necho $$ >"%s/editing"\nexec sleep 20\n' "$WORK" >"$WORK/editor"
background ts-config edit </dev/null >output 2>&1
wait_for 10 test -s "$WORK/editing"
kill "$pid" && wait "$pid"
status=$?
kill "$(cat "$WORK/editing")"
is "ended by SIGTERM it leaves no copy" "$status $(ls -A "${user%/*}")" "143 config.toml"
editor '[tools]
timeout = 45'
VISUAL="$WORK/editor" EDITOR=false ts-config edit >/dev/null
is "VISUAL comes before EDITOR" "$(ts-config get tools.timeout)" 45
mv "$user" "$WORK/dotfile" && ln -s "$WORK/dotfile" "$user"
editor '[tools]
timeout = 46'
ok "edit through a link" ts-config edit
is "leaves the link and changes the file" "$(readlink "$user") $(ts-config get tools.timeout)" "$WORK/dotfile 46"
rm "$user"

# Projects.
mkdir -p repository/.git repository/.turnstone repository/deep/er
echo '[tools]
timeout = 11' >repository/.turnstone/config.toml
cd repository/deep/er || exit 1
is "not trusted, not read" "$(ts-config get tools.timeout 2>/dev/null)" 30
ok "trust without a name" ts-config trust
is "read from below" "$(ts-config get tools.timeout)" 11
is "the list is closed to others" "$(stat -c %a "$XDG_STATE_HOME/turnstone/trusted")" 600
like "and is what sha256sum prints" "$(sha256sum -c "$XDG_STATE_HOME/turnstone/trusted" 2>&1)" 'config.toml: OK'
echo 'truncation = 5' >>../../.turnstone/config.toml
is "a change ends the trust" "$(ts-config get tools.timeout 2>/dev/null)" 30
ok "trust again" ts-config trust ../../.turnstone/config.toml
is "the new content" "$(ts-config get tools.truncation)" 5
is "the same content elsewhere is not trusted" "$(
	mkdir -p "$WORK/copy/.turnstone" && cp ../../.turnstone/config.toml "$WORK/copy/.turnstone" &&
		cd "$WORK/copy" && ts-config get tools.timeout 2>/dev/null)" 30
ok "untrust" ts-config untrust
is "ends it" "$(ts-config get tools.timeout 2>/dev/null)" 30
must_fail 1 "once only" ts-config untrust
ok "trust a last time" ts-config trust
chmod 666 "$XDG_STATE_HOME/turnstone/trusted"
is "a list that others can write trusts nothing" "$(ts-config get tools.timeout 2>/dev/null)" 30
chmod 600 "$XDG_STATE_HOME/turnstone/trusted"
mkdir -p nested/.git && cd nested || exit 1
is "the search ends at the top of a repository" "$(ts-config get tools.timeout 2>&1)" 30
cd "$WORK/project" || exit 1
mkdir -p "$HOME/.turnstone" && echo '[tools]
timeout = 12' >"$HOME/.turnstone/config.toml"
mkdir "$HOME/below" && cd "$HOME/below" || exit 1
is "the home directory is no project" "$(ts-config get tools.timeout 2>&1)" 30

cd "$WORK/project/repository" || exit 1
for line in '[api]
api_key = "x"' '[api]
api_key_command = "x"' '[api]
base_url = "http://x"' '[approve]
policy = "x"' '[tools]
sandbox = "off"' '[tools]
skip_permissions = true' '[tools]
auto_approve = ["bash"]' '[models.x]
model = "m"' '[mcp.servers.x]
command = "x"'; do
	printf '%s\n' "$line" >.turnstone/config.toml
	ts-config trust >/dev/null
	ts-config show >output 2>errors
	is "even a trusted project cannot: $(echo "$line" | tr '\n' ' ')" "$?" 3
	like "and is told so" "$(cat errors)" "config.toml:[12]:[0-9]+: [a-z_.]+ may not be set by a project's file"
done
done_testing
