#!/bin/sh
# ts-mcp-http with a server, and ts-mcp serve with a client, that others wrote, where npm has got them.
real_cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/turnstone-test
. "${0%/*}/lib.sh"

modules=$real_cache/mcp/node_modules
command -v node >/dev/null 2>&1 || skip_all "node is not installed"
# t/1320 fetches them; both have been there before, or neither.
[ -x "$modules/.bin/mcp-server-everything" ] && [ -d "$modules/@modelcontextprotocol/sdk" ] ||
	skip_all "npm has not got @modelcontextprotocol/server-everything (see t/1320)"

port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')
PORT=$port background node "$modules/.bin/mcp-server-everything" streamableHttp >server.log 2>&1
listening() { perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new("127.0.0.1:'"$port"'")'; }
if wait_for 20 listening; then
	mkdir -p "$XDG_CONFIG_HOME/turnstone"
	printf '[mcp.servers.far]\nurl = "http://127.0.0.1:%s/mcp"\n' "$port" >"$XDG_CONFIG_HOME/turnstone/config.toml"
	mcp() { timeout 60 ts-mcp "$@" 2>errors; }
	is "a server over HTTP is ready" "$(mcp status --json | jq -r '.[0].state')" ready
	is "a call" "$(mcp call far echo '{"message":"hi"}')" "Echo: hi"
	like "progress" "$(mcp call far trigger-long-running-operation '{"duration":0.5,"steps":2}' && cat errors)" '1 of 2'
	like "an image" "$(mcp call far get-tiny-image)" 'image/png, [0-9]+ bytes: saved as'
	like "the client's roots, asked over HTTP" "$(mcp call far get-roots-list)" "file://$WORK/project"
else
	skip "a server over HTTP" "it does not start: $(tail -n 1 server.log)"
fi

echo 'in the project' >note.txt
cat >client.js <<E2
const load = require("module").createRequire("$modules/");
const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
(async () => {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StdioClientTransport({ command: "$BUILD/bin/ts-mcp",
    args: ["serve", "--auto-approve", "bash"], env: process.env }));
  const { tools } = await client.listTools();
  console.log("tools", tools.length > 8, tools.every((tool) => tool.inputSchema.type === "object"));
  const read = await client.callTool({ name: "read_file", arguments: { path: "note.txt" } });
  console.log("read", read.isError, read.content[0].text.includes("in the project"));
  const denied = await client.callTool({ name: "write_file", arguments: { path: "x", content: "y" } });
  console.log("denied", denied.isError);
  let told = 0;
  await client.callTool({ name: "bash", arguments: { command: "echo a; sleep 0.3; echo b" } }, undefined,
    { onprogress: () => told++ });
  console.log("progress", told > 0);
  const stop = new AbortController();
  const call = client.callTool({ name: "bash", arguments: { command: "sleep 40" } }, undefined, { signal: stop.signal });
  setTimeout(() => stop.abort(), 300);
  console.log("cancelled", await call.then(() => "no", () => "yes"));
  console.log("unknown", await client.callTool({ name: "nothing", arguments: {} }).then(() => "no", (error) => error.code));
  await client.close();
})().catch((error) => { console.log("failed", error.message); process.exit(1); });
E2
timeout 90 node client.js >client.log 2>client.err
is "the official client ends well" "$?" 0
is "what it heard" "$(tr '\n' ';' <client.log)" \
	"tools true true;read false true;denied true;progress true;cancelled yes;unknown -32602;"
done_testing
