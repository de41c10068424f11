#!/bin/sh
# The official openai package for node talks to ts-mock-llm: models, a whole and a streamed answer.
. "${0%/*}/lib.sh"

for program in node npm; do
	command -v "$program" >/dev/null || skip_all "no $program"
done
# Nothing of this may depend on, or write to, the home directory of whoever runs the tests.
cd "$WORK/project" || exit 1
echo '{"private":true,"type":"module"}' >package.json
timeout 45 npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
	--cache "$WORK/npm-cache" --fetch-retries 0 --fetch-timeout 15000 openai >"$WORK/npm.log" 2>&1 ||
	skip_all "npm cannot install the openai package: $(sed -n '/npm/{s/^npm //;p;q;}' "$WORK/npm.log")"

cat >"$WORK/script.ndjson" <<'EOF'
{"match":{"role":"user","stream":false},"content":"You said: {{last_user}}","usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9}}
{"match":{"role":"user","stream":true,"tool":"bash"},"content":"Let me look.","tool_calls":[{"name":"bash","arguments":{"command":"ls -l","why":"to see what is there"}},{"name":"bash","arguments":{"command":"pwd"}}]}
{"match":{"role":"tool"},"content":"The tool said {{last_tool_result}}"}
{"match":{"exact":"refuse"},"status":400,"error":{"message":"no","type":"invalid_request_error","code":"bad_thing"}}
EOF
MOCK_KEY=sk-test
export MOCK_KEY
start_mock --script "$WORK/script.ndjson" --api-key-env MOCK_KEY --model first --model second

cat >client.mjs <<'EOF'
import OpenAI from 'openai';
const client = new OpenAI({ baseURL: process.env.TURNSTONE_BASE_URL, apiKey: process.env.MOCK_KEY,
    maxRetries: 0, timeout: 10000 });
const tools = [{ type: 'function', function: { name: 'bash', parameters: {
    type: 'object', properties: { command: { type: 'string' } } } } }];
const say = (name, value) => console.log(`${name} ${JSON.stringify(value)}`);

const names = [];
for await (const model of await client.models.list()) names.push(model.id);
say('models', names);

const messages = [{ role: 'user', content: 'hello' }];
const whole = await client.chat.completions.create({ model: 'first', messages, tools });
say('whole', [whole.choices[0].message.content, whole.choices[0].finish_reason,
    whole.usage.total_tokens]);

const stream = client.chat.completions.stream({ model: 'first', messages, tools,
    stream_options: { include_usage: true } });
const final = await stream.finalChatCompletion();
const message = final.choices[0].message;
say('streamed', [message.content, final.choices[0].finish_reason]);
say('calls', message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]));
say('usage', final.usage.total_tokens > 0);

messages.push(message, ...message.tool_calls.map((call) => (
    { role: 'tool', tool_call_id: call.id, content: `result of ${call.id}` })));
let text = '';
for await (const chunk of await client.chat.completions.create(
    { model: 'first', messages, tools, stream: true }))
    text += chunk.choices[0]?.delta?.content ?? '';
say('answer', text);

try {
    await client.chat.completions.create({ model: 'first', stream: true,
        messages: [{ role: 'user', content: 'refuse' }] });
} catch (error) {
    say('refused', [error.status, error.code]);
}
try {
    await new OpenAI({ baseURL: process.env.TURNSTONE_BASE_URL, apiKey: 'sk-wrong', maxRetries: 0 })
        .models.list();
} catch (error) {
    say('unauthorised', [error.status, error.constructor.name]);
}
EOF
timeout 30 node client.mjs >"$WORK/out" 2>"$WORK/err"
is 'the client ends without an exception' "$?" 0
[ ! -s "$WORK/err" ] || diagnose "$(cat "$WORK/err")"
said() { sed -n "s/^$1 //p" "$WORK/out"; }
is 'models.list' "$(said models)" '["first","second"]'
is 'a whole completion' "$(said whole)" '["You said: hello","stop",9]'
is 'a streamed completion' "$(said streamed)" '["Let me look.","tool_calls"]'
is 'with tools' "$(said calls)" \
	'[["bash",{"command":"ls -l","why":"to see what is there"}],["bash",{"command":"pwd"}]]'
is 'with usage' "$(said usage)" true
is 'then the answer to their results' "$(said answer)" '"The tool said result of call_2_1"'
is 'an error as the client knows it' "$(said refused)" '[400,"bad_thing"]'
is 'a wrong key as the client knows it' "$(said unauthorised)" '[401,"AuthenticationError"]'
done_testing
