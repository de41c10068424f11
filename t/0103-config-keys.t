#!/bin/sh
# The table of keys, turnstone.toml(5) and the environment's names agree.
. "${0%/*}/lib.sh"

page=$SOURCE/man/turnstone.toml.5
ts-config keys --mdoc >wanted
sed -n '/^\.\\" begin keys/,/^\.\\" end keys/p' "$page" | sed '1d;$d' >got
is "turnstone.toml(5) lists the keys that there are ('make manual-keys' mends it)" \
	"$(diff got wanted | head -n 5)" ""

ts-config keys --json >keys.json
is "every key of the original is known" "$(
	for key in api.base_url api.api_key api.tavily_key model.name model.temperature \
		model.max_tokens model.reasoning_effort model.context_window model.default \
		model.fallback model.agent_model session.instructions session.retention_days \
		session.compact_max_tokens session.auto_compact_pct tools.timeout tools.truncation \
		tools.agent_max_turns tools.skip_permissions server.host server.port \
		server.workstream_idle_timeout server.max_workstreams bridge.server_url \
		bridge.node_id bridge.approval_timeout bridge.heartbeat_ttl bridge.log_level \
		redis.host redis.port redis.password redis.db console.host console.port \
		console.poll_interval console.log_level console.url auth.token auth.enabled \
		auth.tokens mcp.config_path mcp.servers ratelimit.enabled \
		ratelimit.requests_per_second ratelimit.burst health.backend_probe_interval \
		health.backend_probe_timeout health.circuit_breaker_threshold \
		health.circuit_breaker_cooldown; do
		echo "$key"
	done | sort >originals
	jq -r '.[].name' keys.json | sort | comm -23 originals -)" ""

# [api] has the short names, [store] the customary one; every other is section and key.
is "a variable's name follows from the key" "$(jq -r '.[] | select(.environment) |
	select(.name != "model.name" and .name != "store.path") |
	(.name | ascii_upcase | sub("^API[.]"; "") | sub("[.]"; "_") | "TURNSTONE_" + .) as $wanted |
	select(.environment != $wanted) | .name' keys.json)" ""
is "no two keys share a variable" \
	"$(jq -r '.[] | .environment, .environment_2 | select(.)' keys.json | sort | uniq -d)" ""
is "single values all have a variable" "$(jq -r '.[] | select(.environment == null and .type != "table") |
	.name' keys.json)" ""
is "no secret has a flag" "$(jq -r '.[] | select(.type == "secret" and .flag) | .name' keys.json)" ""
is "no number is without bounds" "$(jq -r '.[] |
	select((.type == "integer" or .type == "number") and (has("most") | not)) | .name' keys.json)" ""
is "what a project's file must not set" "$(jq -r '.[] | select(.project) | .name |
	select(test("^(api|approve|auth|mcp|redis|store)[.]|^models|sandbox|skip_permissions|auto_approve|roots|deny_paths|tools_dir"))' \
	keys.json)" ""
like "keys is a table for people too" "$(ts-config keys)" \
	'^api\.base_url +string +http://localhost:8000/v1 +--base-url +TURNSTONE_BASE_URL OPENAI_BASE_URL$'
jq -r '.[] | select(.later and .flag != null).flag' keys.json | sort >"$WORK/later-flags"
ok "some keys are for later programs" test -s "$WORK/later-flags"
for program in ts-chat ts-llm ts-tool-prep ts-approve ts-tool-exec ts-render ts-jail; do
	is "$program offers no flag of a key that has no effect yet" \
		"$("$program" --help | grep -oE -e '^ +(-.,)? *--[a-z-]+' | sed 's/.*--//' | sort |
			comm -12 - "$WORK/later-flags")" ""
done

done_testing
