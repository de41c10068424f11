#!/bin/sh
# A configuration that is wrong stops the program, and every mistake is told at once, with its place.
. "${0%/*}/lib.sh"

TURNSTONE_SYSTEM_CONFIG=$WORK/system.toml
export TURNSTONE_SYSTEM_CONFIG
user=$XDG_CONFIG_HOME/turnstone/config.toml
mkdir -p "${user%/*}"

cat >"$WORK/system.toml" <<'TOML'
[tools]
timeot = 5
TOML
cat >"$user" <<'TOML'
base_url = "http://x"
[tools]
skip_permissions = "false"
timeout = 0
roots = ["a", 1]
[modle]
[model]
reasoning_effort = "bogus"
temperature = "hot"
default = "nobody"
fallback = "x"
[models.a]
modell = "m"
retries = 99
[redis]
port = 6379.0
timeout = 3
[api]
base_url = "localhost:8000"
[mcp.servers.one]
comand = "x"
[[auth.tokens]]
value = ""
[console]
url = "http://user:hunter2@host/"
TOML
TURNSTONE_SERVER_PORT=70000 ts-config show >output 2>errors
is "a wrong configuration is exit code 3" "$?" 3
is "and nothing goes to stdout" "$(cat output)" ""
unlike "no secret in an error" "$(cat errors)" hunter2
TURNSTONE_SERVER_PORT=70000 ts-config show 2>&1 | grep -q 'more: see ts-config check'
is "what does not fit is counted" "$?" 0
ts-config check "$user" >output 2>errors
is "check: exit code 3" "$? $(cat output)" "3 "
told() { like "told: $2" "$(sed "s|^ts-config: $user:||" errors)" "^$1: .*$2"; }
told 1:1 "unknown key 'base_url': did you mean 'api.base_url'"
told 3:20 "tools.skip_permissions must be true or false, not a string"
told 4:11 "tools.timeout must be a whole number from 1 to 86400, not '0'"
told 5:9 "tools.roots must be an array of strings, but item 2 is an integer"
told 6:2 "unknown section 'modle': did you mean 'model'"
told 8:20 "model.reasoning_effort must be one of: .*medium.*; not 'bogus'"
told 9:15 "model.temperature must be a number, not a string"
told 10:11 "model.default names 'nobody', but there is no"
told 11:12 "model.fallback must be an array of strings, not a string"
told 13:1 "unknown key 'models.a.modell': did you mean 'model'"
told 14:11 "models.a.retries must be a whole number from 0 to 20, not '99'"
told 16:8 "redis.port must be an integer, not a number"
told 17:1 "unknown key 'redis.timeout'"
told 19:12 "api.base_url must begin with http:// or https://"
told 21:1 "unknown key 'mcp.servers.one.comand'"
told 20:14 "mcp.servers.one needs a command or a url"
told 22:[0-9]+ "auth.tokens: item 1 must be a table with a value"
told 25:7 "console.url must not hold a user or password"

# One at a time.
one() { # one TITLE TEXT PATTERN
	printf '%b' "$2" >"$user"
	rm -f "$WORK/system.toml"
	ts-config show >output 2>errors
	is "$1: exit code 3" "$?" 3
	like "$1: said where" "$(cat errors)" "$3"
}
one "a syntax error" '[auth]\nenabled = tru\n' "^ts-config: $user:2:11: 'tru' is no value"
printf '[models.fast\n' >"$user"
is "a mistake that follows from another is not told" \
	"$(TURNSTONE_MODEL_FALLBACK=fast ts-config show 2>&1 | grep -c models)" 0
one "a file that is no text" '\377\376' "^ts-config: $user:1:1: byte 0xFF is no UTF-8"
one "a section that is no table" 'tools = 3\n' "^ts-config: $user:1:9: tools is a section"
one "a NUL in a text" '[session]\ninstructions = "a\\u0000b"\n' ":2:16: session.instructions must not hold a NUL"
one "a key with a newline" '[api]\napi_key = "sk-leak\\nX-Header: 1"\n' ":2:11: api.api_key must not hold control characters"
unlike "and without the key" "$(cat errors)" leak
one "infinity" '[model]\nextra_body = { a = inf }\n' ":2:14: model.extra_body must not hold inf or nan"
one "control bytes of a file" '[tools]\n"\\u001b[31m" = 1\n' ':2:1: unknown key'
unlike "are made visible" "$(cat errors)" "$(printf '\033')"
rm -f "$user"

for pair in TURNSTONE_TOOLS_SKIP_PERMISSIONS=ja TURNSTONE_SERVER_PORT=http \
	TURNSTONE_MODEL_TEMPERATURE=0x1 TURNSTONE_MODEL_TEMPERATURE=nan TURNSTONE_TOOLS_TIMEOUT='1 ' \
	TURNSTONE_MODEL_EXTRA_BODY='[1]' TURNSTONE_MODEL_FALLBACK=nobody; do
	env "$pair" ts-config show >output 2>errors
	is "$pair: exit code 3" "$?" 3
	like "$pair: is named" "$(cat errors)" "^ts-config: ${pair%%=*} "
done
for word in true 1 yes on; do
	is "$word is true" "$(TURNSTONE_AUTH_ENABLED=$word ts-config get auth.enabled)" true
done
is "0 is false" "$(TURNSTONE_TOOLS_SKIP_PERMISSIONS=0 ts-config get tools.skip_permissions)" false

# Files that cannot be read.
must_fail 3 "a file that was named and is not there" ts-config --config nothing.toml show
must_fail 3 "a directory" ts-config --config . show
mkfifo fifo
must_fail 3 "a FIFO without a writer does not hang" timeout 5 ts-config --config fifo show
head -c 1100000 /dev/zero | tr '\0' '#' >large.toml
must_fail 3 "a file without end" ts-config --config large.toml show
must_fail 3 "a named file in the environment" env TURNSTONE_CONFIG=nothing.toml ts-config show
must_fail 2 "an empty --config" ts-config --config= show
ok "an empty TURNSTONE_CONFIG is as if it were not there" env TURNSTONE_CONFIG= ts-config show
ok "/dev/null is an empty file" ts-config --config /dev/null show
if [ "$(id -u)" = 0 ]; then
	skip "a file that may not be read" "root may read everything"
else
	echo '[api]' >"$user" && chmod 0 "$user"
	must_fail 3 "a file that may not be read" ts-config show
	rm -f "$user"
fi
must_fail 2 "a wrong flag is a usage error" ts-config --tool-timeout 0 show
must_fail 2 "there is no flag for a secret" ts-config --api-key x show
must_fail 2 "an unknown key" ts-config get tools.timeot
like "with the nearest name" "$(ts-config get tools.timeot 2>&1)" "did you mean 'tools.timeout'"

# Keys in files that others can read; keys of the original without meaning here.
printf '[api]\napi_key = "sk-shown"\n' >"$user" && chmod 644 "$user"
like "a key that others can read is warned about" "$(ts-config path 2>&1; ts-config show 2>&1 >/dev/null)" \
	"holds api.api_key and others can read it: chmod 600"
unlike "and not shown" "$(ts-config show 2>&1; ts-config show --json 2>&1; ts-config get api.api_key 2>&1)" sk-shown
is "get tells that it is set" "$(ts-config get api.api_key 2>/dev/null)" set
chmod 600 "$user"
is "and not when they cannot" "$(ts-config show 2>&1 >/dev/null)" ""
cat >"$user" <<'TOML'
[bridge]
server_url = "http://localhost:8080"
log_level = "DEBUG"
[console]
poll_interval = 5
TOML
is "keys without meaning here load" "$(ts-config check >/dev/null 2>&1; echo $?)" 0
like "and say what replaced them" "$(ts-config check 2>&1 >/dev/null)" \
	":2:1: bridge.server_url means nothing here: ts-route finds the node"
done_testing
