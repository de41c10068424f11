#!/bin/sh
# ts-tool-exec: what a tool finds in its environment, and where keys do not go.
. "${0%/*}/lib.sh"

# Definitions as if they were shipped.
TS_TOOLDEFS_DIR=$WORK/tooldefs
export TS_TOOLDEFS_DIR
mkdir "$TS_TOOLDEFS_DIR"
tool() { # tool NAME MEMBERS < script
	cat >"$TS_TOOLDEFS_DIR/$1" && chmod +x "$TS_TOOLDEFS_DIR/$1"
	printf '{"name":"%s","description":"a tool that is used by a test","parameters":{"type":"object",
		"properties":{},"additionalProperties":false},"command":["%s"]%s}' "$1" "$1" "$2" \
		>"$TS_TOOLDEFS_DIR/$1.json"
}
names_of() {
	cat <<'END'
#!/bin/sh
env | sed -n 's/=.*//p' | sort | tr '\n' ' '
END
}
names_of | tool ordinary ''
names_of | tool strict ',"sandbox":"strict"'
names_of | tool keyless ',"sandbox":"self"'
names_of | tool model ',"sandbox":"self","needs":["model"]'
names_of | tool search ',"sandbox":"self","needs":["search"]'
names_of | tool both ',"sandbox":"self","needs":["model","search"],"state":true'
# The environment and the command line of this process and of those that started it, up to the
# first that is not ours to hide.
tool ancestors '' <<'END'
#!/bin/sh
process=$$
while [ "$process" -gt 1 ] && [ "$(cat "/proc/$process/comm")" != ts-tool-exec ]; do
	echo "comm: $(cat "/proc/$process/comm")"
	cat "/proc/$process/environ" "/proc/$process/cmdline"
	process=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$process/status")
done | tr '\0' '\n'
END
tool write_here ',"sandbox":"strict"' <<'END'
#!/bin/sh
touch "$TS_PROJECT/written" 2>/dev/null && echo written
sed 1,2d /proc/net/dev | sed 's/:.*//; s/ //g'
END

call() { # call TOOL [MEMBERS]
	printf '{"type":"decided","batch_id":"b","items":[{"call_id":"c","func_name":"%s","arguments":{},
		"decision":"allow","decided_by":"person"%s}]}' "$1" "${2:-}" | tr -d '\n'
}
output() { timeout -s KILL 30 ts-tool-exec | jq -r 'select(.type == "tool_result").output'; }

export OPENAI_API_KEY=k-model TURNSTONE_API_KEY=k-model2 TURNSTONE_API_KEY_COMMAND='echo k-command' \
	TAVILY_API_KEY=k-search TURNSTONE_TAVILY_KEY=k-search2 REDIS_PASSWORD=k-redis \
	TURNSTONE_AUTH_TOKEN=k-auth AWS_SECRET_ACCESS_KEY=k-cloud OPENAI_BASE_URL=http://127.0.0.1:9/v1 \
	TURNSTONE_MODEL=m TS_SESSION_ID=s TS_MCP_SOCKET=/x TS_STATE_DIR="$WORK/state" https_proxy=http://u:k-proxy@h

# What is the same everywhere, and what the shell adds.
common='PATH|HOME|LANG|LC_ALL|TERM|TMPDIR|TZ|USER|LOGNAME|SHELL|PWD|OLDPWD|SHLVL|_|TS_EVENT_FD|TS_ANSWER_FD|TS_CALL_ID|TS_TOOL_TIMEOUT|TS_PROJECT'
added() { call "$1" ',"seen":true' | output | tr ' ' '\n' | grep -vxE -e "$common" -e '' | tr '\n' ' '; }
settings='TS_CONFIG_WARNED|TS_TOOLDEFS_DIR|TURNSTONE_TOOLS_SANDBOX|XDG_[A-Z_]*'
more() { added "$1" | tr ' ' '\n' | grep -vxE -e "$settings" -e '' | tr '\n' ' '; }

is "an ordinary tool: nothing beyond the list" "$(added ordinary)" ""
is "a strict one: the same" "$(added strict)" ""
is "one that keeps itself in bounds: our settings, no key" "$(more keyless)" "TS_MCP_SOCKET TS_SESSION_ID TURNSTONE_MODEL "
is "it knows where our files are" "$(added keyless | tr ' ' '\n' | grep -c '^XDG_')" \
	"$(env | grep -c '^XDG_')"
is "needs the model: its keys and address, and the proxy" "$(more model)" \
	"OPENAI_API_KEY OPENAI_BASE_URL TS_MCP_SOCKET TS_SESSION_ID TURNSTONE_API_KEY TURNSTONE_API_KEY_COMMAND TURNSTONE_MODEL https_proxy no_proxy "
is "needs the search: only that key" "$(more search)" \
	"TAVILY_API_KEY TS_MCP_SOCKET TS_SESSION_ID TURNSTONE_MODEL TURNSTONE_TAVILY_KEY https_proxy no_proxy "
is "both, and the state directory" "$(more both)" \
	"OPENAI_API_KEY OPENAI_BASE_URL TAVILY_API_KEY TS_MCP_SOCKET TS_SESSION_ID TS_STATE_DIR TURNSTONE_API_KEY TURNSTONE_API_KEY_COMMAND TURNSTONE_MODEL TURNSTONE_TAVILY_KEY https_proxy no_proxy "

# An approved command runs as the person, outside: it can look at who started it.
call ancestors ',"seen":true' | output >seen
is "a tool that looks at ts-jail sees it" "$(grep -cx 'comm: ts-jail' seen)" 2
is "but no key, neither in its environment nor in its words" "$(grep -o 'k-[a-z0-9]*' seen)" ""

# Strict.
if [ "$sandbox" = yes ]; then
	is "strict: whoever saw it, the project is read-only, and there is no network" \
		"$(call write_here ',"seen":true,"sandbox_choice":"off"' | output)" lo
	is "it says so" "$(call write_here ',"seen":true' | ts-tool-exec | jq -r 'select(.type == "tool_result").sandbox')" workspace
fi
like "strict: the configuration alone turns it off" \
	"$(call write_here | TURNSTONE_TOOLS_SANDBOX=off output | head -n 1)" '^written$'
rm -f written

# Definitions that ask for what they may not have.
refused() { # refused TITLE PATTERN MEMBERS
	printf '{"name":"t","description":"d","parameters":{"type":"object","properties":{},"additionalProperties":false},
		"command":["/bin/true"]%s}' "$3" >"$WORK/own/t.json"
	like "$1" "$(ts-tool-prep --check "$WORK/own" 2>&1)" "$2"
}
mkdir "$WORK/own"
refused "a user's tool gets no keys" "'needs': keys are for shipped tools" ',"needs":["model"]'
refused "nor may it say self" "'sandbox': only shipped tools" ',"sandbox":"self"'
refused "needs: a list of two words" "'needs': must be a list" ',"needs":["everything"]'
refused "strict has no network" "'network': there is none" ',"sandbox":"strict","network":true'
refused "another sandbox is refused" "'sandbox': must be \"workspace\", \"strict\" or \"self\"" ',"sandbox":"none"'
refused "wire_parameters: an object" "'wire_parameters': must be an object" ',"wire_parameters":[]'
refused "strict is for everybody; wire_parameters are not checked" '^t	' \
	',"sandbox":"strict","wire_parameters":{"type":"object","oneOf":[{}]}'

# ts-jail by itself.
is "--pass leaves a variable" "$(ts-jail --profile off --pass AWS_SECRET_ACCESS_KEY -- sh -c 'echo $AWS_SECRET_ACCESS_KEY')" k-cloud
is "--pass NAME*" "$(ts-jail --profile off --pass 'TURNSTONE_A*' -- env | grep -c '^TURNSTONE_A')" 3
is "one that is not set is not made" "$(ts-jail --profile off --pass NOT_THERE -- env | grep -c NOT_THERE)" 0
is "--env wins" "$(ts-jail --profile off --pass TURNSTONE_MODEL --env TURNSTONE_MODEL=n -- sh -c 'echo $TURNSTONE_MODEL')" n
for word in '*' '' 'A=b' 'A*B'; do
	must_fail 2 "--pass '$word'" ts-jail --profile off --pass "$word" -- true
done

# The same through the whole pipe: ts-chat hands keys to the last stage alone.
cat >script <<'END'
{"match":{"role":"user","contains":"look"},"tool_calls":[{"name":"model","id":"m","arguments":{}},{"name":"ordinary","id":"o","arguments":{}}]}
{"match":{"role":"tool"},"content":"done"}
END
start_mock --script script
ts-chat --skip-permissions --no-stdin look >events </dev/null
said() { jq -r --arg id "$1" 'select(.type == "tool_result" and .call_id == $id).output' events | tr ' ' '\n'; }
is "a tool that needs the model has its key, from ts-chat on" "$(said m | grep -c -x -e OPENAI_API_KEY -e TURNSTONE_API_KEY)" 2
is "not the others'" "$(said m | grep -x -e TAVILY_API_KEY -e REDIS_PASSWORD -e AWS_SECRET_ACCESS_KEY -e TURNSTONE_AUTH_TOKEN)" ""
is "another tool has none" "$(said o | grep -e KEY -e PASSWORD -e TOKEN)" ""
is "nor do the events, the store or the log hold one" \
	"$(cat events "$XDG_DATA_HOME"/turnstone/* 2>/dev/null | grep -a -o 'k-[a-z]*[0-9]*' | grep -x -e k-model -e k-model2 -e k-search -e k-search2 -e k-redis -e k-auth -e k-cloud)" ""

# What is sent to the model.
printf '{"name":"wired","description":"d","parameters":{"type":"object","properties":{},"additionalProperties":false},
	"wire_parameters":{"type":"object","oneOf":[{"title":"as it came"}]},"command":["/bin/true"]}' >"$WORK/own/wired.json"
rm "$WORK/own/t.json"
start_mock --synthesise --tokens 1 --log "$WORK/requests"
ts-chat --tools-dir "$WORK/own" --no-stdin hello >out </dev/null
is "wire_parameters go to the model as they are" "$(jq -c '.. | objects | select(.name? == "wired").parameters' "$WORK/requests" | head -n 1)" \
	'{"type":"object","oneOf":[{"title":"as it came"}]}'

done_testing
