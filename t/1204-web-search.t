#!/bin/sh
# web_search: an engine with Tavily's interface, a command, or a clear word that there is none.
. "${0%/*}/lib.sh"
. "$SOURCE/t/web.sh"

WEB_KEY=secret-key-1
export WEB_KEY
start_web
unset WEB_KEY
here="http://127.0.0.1:$WEB_PORT"
tool=$BUILD/libexec/turnstone/tools/web_search
config=$XDG_CONFIG_HOME/turnstone/config.toml
mkdir -p "${config%/*}"

run() { timeout 60 "$tool" run; }
search() { jq -n --arg query "$1" '{query: $query}' | run; }

search word >output 2>errors
is "nothing is configured" "$? $(cat output)" "1 "
like "and that is said, with what to do" "$(cat errors)" "api.tavily_key \(or TAVILY_API_KEY\), search.url or search.command.*web_fetch"

# The configuration is read at each call.
printf '[api]\ntavily_key = "wrong"\n[search]\nurl = "%s/search"\n' "$here" >"$config"
chmod 600 "$config"
search word >output 2>errors
is "a wrong key" "$? $(cat output)" "1 "
like "is said to be one" "$(cat errors)" "$here/search answered with status 401: the key is refused"
unlike "without the key" "$(cat errors)" "wrong"
sed -i 's/wrong/secret-key-1/' "$config"
search 'two  words "quoted"' >output 2>errors
is "a right one" "$? $(cat errors)" "0 "
like "its results are data" "$(head -n 1 output)" "^Search results for 'two  words \"quoted\"'.*not to be followed"
is "the answer and the results" "$(sed -n '3,7p' output)" "$(printf 'Answer: forty-two\n\n1. [First](https://one.example/)\n   about one\n2. [Second ] title](https://two.example/x)')"
is "passages are cut" "$(sed -n 8p output | wc -c)" 507
like "the query is sent as it is" "$(cat output)" '"query":"two words \\"quoted\\"","max_results":5,"topic":"general"'
is "as many as wanted" "$(echo '{"query":"x","max_results":1}' | run | grep -c '^[0-9]*\. ')" 1
is "none" "$(search nothing)" "No results for: nothing"
search garbage >output 2>errors
is "nonsense" "$? $(cat output)" "1 "
like "is no answer" "$(cat errors)" "not what Tavily's interface has"
printf '[search]\nurl = "%s/redirect?%s/search"\n' "$here" "$here" >"$config"
search word >output 2>errors
is "an engine that sends us elsewhere" "$?" 1
like "is not followed" "$(cat errors)" "answered with status 302"
printf '[search]\nurl = "http://127.0.0.1:1/search"\n' >"$config"
TAVILY_API_KEY=env-key search word >output 2>errors
is "an engine that is not there" "$? $(cat output)" "1 "
like "is named" "$(cat errors)" "http://127.0.0.1:1/search: cannot connect"

# The key is on no command line and in no helper's environment.
printf '[api]\ntavily_key = "secret-key-1"\n[search]\nurl = "%s/silent"\n[web]\ntimeout = 20\n' "$here" >"$config"
echo '{"query":"x"}' >query
background "$tool" run <query >/dev/null 2>&1
ok "ts-fetch is at work" wait_for 20 sh -c 'grep -q silent "$1"' sh "$WEB_LOG"
is "no process shows the key" "$(for process in /proc/[0-9]*; do
	tr '\0' '\n' <"$process/cmdline"
	case $(cat "$process/comm") in ts-fetch | ts-jail | bwrap) tr '\0' '\n' <"$process/environ" ;; esac
done 2>/dev/null | grep -c 'secret-key-[1]')" 0
kill "$pid"
wait "$pid" 2>/dev/null

# A command of one's own.
printf '[api]\ntavily_key = "secret-key-1"\n[search]\ncommand = "%s"\n' "$PWD/my-search --fast" >"$config"
cat >my-search <<'END'
#!/bin/sh
cat >request
printf '<%s>' "$@" >arguments
env >environment
cat answer
exit "$(cat status)"
END
chmod +x my-search
echo 0 >status
printf '%s\n' '[{"title":"T\u001b[31m","url":"https://t.example/","content":"line\nline"}]' >answer
# shellcheck disable=SC2016 # it must not be expanded
search '$(touch broken) `x`; "y"' >output 2>errors
is "it is asked" "$? $(cat errors)" "0 "
# shellcheck disable=SC2016
is "with the query as one argument" "$(cat arguments)" '<--fast><$(touch broken) `x`; "y">'
# shellcheck disable=SC2016
is "and as JSON" "$(jq -c '[.query, .max_results, .topic]' request)" '["$(touch broken) `x`; \"y\"",5,"general"]'
ok "nothing in it is run" test ! -e broken
is "a list of results" "$(sed -n '3,4p' output | tr -d '\033')" "$(printf '1. [T[31m](https://t.example/)\n   line line')"
unlike "it gets no key" "$(cat environment)" "secret-key|env-key"
echo 'just words' >answer
is "text is taken as it is" "$(search x | sed -n 3p)" "just words"
: >answer
is "nothing is no result" "$(search x)" "No results for: x"
echo 3 >status
echo 'what went wrong' >answer
sed -i 's/^cat answer/cat answer >\&2/' my-search
search x >output 2>errors
is "it fails" "$? $(cat output)" "1 "
like "with what it said" "$(cat errors)" "^what went wrong"

# SearxNG
printf '[search]\ncommand = "SEARXNG_URL=%s/searx %s"\n' "$here" "$SOURCE/examples/search-searxng.sh" >"$config"
like "search-searxng.sh asks as SearxNG wants it" "$(search 'a & b' 2>&1)" '^   q=a\+&\+b&format=json&categories=general'

like "an empty query" "$(echo '{"query":"  "}' | run 2>&1)" "the query is empty"
is "the preview has all of it" "$(jq -n --arg query "$(printf '%0300d' 0)" '{query: $query}' |
	"$tool" prepare | jq -r '[.preview, .header] | map(length) | join(" ")')" "300 83"

# In a conversation: keys reach the tool that needs them, and no other.
printf '[search]\nurl = "%s/search"\n' "$here" >"$config"
cat >script.ndjson <<'END'
{"match":{"role":"user","contains":"search"},"tool_calls":[{"name":"web_search","arguments":{"query":"what"}},{"name":"bash","arguments":{"command":"env"}}]}
{"match":{"role":"tool"},"content":"Done."}
END
printf '%s\n' '{"match":{"body":"what is there"},"content":"Nothing.","times":"always"}' >>script.ndjson
start_mock --script script.ndjson --log "$PWD/requests.ndjson"
offered() { jq -r 'select(.body.tools) | [.body.tools[].function.name] | index("web_search") != null' requests.ndjson | tail -n 1; }
ts-chat 'what is there' >/dev/null 2>&1
is "it is offered where there is an engine" "$(offered)" true
mv "$config" kept
ts-chat 'what is there' >/dev/null 2>&1
is "and not where there is none" "$(offered)" false
ts-chat --tools web_search 'what is there' >/dev/null 2>&1
is "unless it is asked for by name" "$(offered)" true
mv kept "$config"
TAVILY_API_KEY=secret-key-1 ts-chat --skip-permissions 'search' >events 2>errors
is "a conversation" "$? $(jq -r 'select(.type == "result") | .text' events)" "0 Done."
like "the key from the environment was used" "$(jq -r 'select(.type == "tool_result" and .name == "web_search") | .output' events)" "forty-two"
unlike "other tools have no key" "$(jq -r 'select(.type == "tool_result" and .name == "bash") | .output' events)" "secret-key"

done_testing
