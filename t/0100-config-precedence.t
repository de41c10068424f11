#!/bin/sh
# For every key: flag > environment > trusted project file > user file > system file > default.
. "${0%/*}/lib.sh"

TURNSTONE_SYSTEM_CONFIG=$WORK/system.toml
export TURNSTONE_SYSTEM_CONFIG
mkdir -p "$XDG_CONFIG_HOME/turnstone" .turnstone
# The flags of daemons are not ts-config's: some of them share a name.
ts-config --option-table | cut -f 2 | jq -R . | jq -s . >offered.json
ts-config keys --json | jq --slurpfile offered offered.json \
	'map(if .flag as $flag | $offered[0] | index($flag) then . else .flag = null end)' >keys.json

# A value of each key's type for a level: 1 system, 2 user, 3 project, 4 environment, 5 flag.
cat >value.jq <<'JQ'
def value($n): (.choices // "" | split(" ")) as $choices |
	if .type == "boolean" then $n % 2 == (if .default == "true" then 0 else 1 end)
	elif .type == "integer" then .least + $n
	elif .type == "number" then .least + $n / 16
	elif .type == "list" then ["l\($n)"]
	elif .type == "path" then "/l\($n)"
	elif ($choices | length) > 0 then $choices[$n % ($choices | length)]
	elif .name | test("[._]url$") then "http://l\($n)"
	else "l\($n)" end;
def text($n): value($n) | if type == "array" then join(",") else tostring end;
JQ

single='map(select(.type != "table"))'

write_file() { # write_file LEVEL FILTER
	{
		jq -r --argjson n "$1" "$(cat value.jq) $single | map(select($2)) |
			group_by(.name | split(\".\")[0])[] |
			\"[\(.[0].name | split(\".\")[0])]\",
			(.[] | \"\(.name | split(\".\")[1]) = \(value(\$n) | tojson)\")" keys.json
		[ "$1" = 3 ] || for alias in 1 2 3 4 5; do printf '[models.l%s]\nmodel = "m"\n' "$alias"; done
	} >level.toml
	chmod 600 level.toml
}

wrong() { # wrong LEVEL ORIGIN FILTER [flags]: the keys whose value or origin is another
	level=$1 origin=$2 filter=$3
	shift 3
	ts-config "$@" show --json >shown.json 2>errors || diagnose "$(cat errors)"
	jq -r --argjson n "$level" --arg origin "$origin" --slurpfile shown shown.json "$(cat value.jq)
		${single}[] | select($filter) | \$shown[0][.name] as \$got |
		(if .type == \"secret\" then \"set\" else value(\$n) end) as \$wanted |
		select(\$got.origin != \$origin or \$got.value != \$wanted) |
		\"\(.name): \(\$got | tojson), not \(\$wanted | tojson)\"" keys.json
}

is "without anything every key has its default" "$(ts-config show --json |
	jq -r 'to_entries[] | select(.value.origin != "default") | .key')" ""

write_file 1 true && mv level.toml "$WORK/system.toml"
is "system file: every key" "$(wrong 1 system true)" ""
write_file 2 true && mv level.toml "$XDG_CONFIG_HOME/turnstone/config.toml"
is "user file before the system file: every key" "$(wrong 2 user true)" ""
write_file 3 .project && mv level.toml .turnstone/config.toml
is "a project file that is not trusted changes nothing" "$(wrong 2 user true)" ""
like "and is told of" "$(cat errors)" "^ts-config: '.*/project/.turnstone/config.toml' is not trusted .*ts-config trust"
ok "trust it" ts-config trust
is "trusted project file before the user file: every key it may set" "$(wrong 3 project .project)" ""
is "and no other" "$(wrong 2 user '.project | not')" ""

for name in environment_2 environment; do
	jq -r --argjson n 4 "$(cat value.jq) ${single}[] | select(.$name) |
		\"\(.$name)='\(text(\$n))'; export \(.$name)\"" keys.json >"$name.sh"
done
# shellcheck source=/dev/null
is "the older variables before files" "$(. ./environment_2.sh && wrong 4 environment .environment_2)" ""
# shellcheck source=/dev/null
is "environment before files: every key" "$(. ./environment.sh && wrong 4 environment true)" ""

# shellcheck disable=SC2046 # the flags hold no blanks
flags=$(jq -r --argjson n 5 "$(cat value.jq) ${single}[] | select(.flag) |
	if .type == \"boolean\" then \"--\(if value(\$n) then \"\" else \"no-\" end)\(.flag)\"
	else \"--\(.flag)=\(text(\$n))\" end" keys.json)
# shellcheck disable=SC2086 source=/dev/null
is "flags before the environment: every key with a flag" "$(. ./environment.sh &&
	wrong 5 flag .flag $flags)" ""
ok "and there are dozens of them" test "$(echo "$flags" | wc -w)" -gt 30

# What is not the same for all.
is "an empty secret in the environment is as if it were not there" \
	"$(REDIS_PASSWORD='' TURNSTONE_REDIS_PASSWORD='' ts-config show --origin redis.password 2>/dev/null |
		tr -s ' ' | cut -d ' ' -f 2,3)" "set user"
is "the newer variable comes before the older one" \
	"$(TURNSTONE_BASE_URL=http://new OPENAI_BASE_URL=http://old ts-config get api.base_url 2>/dev/null)" "http://new"
is "an empty number in the environment is as if it were not there" \
	"$(TURNSTONE_TOOLS_TIMEOUT='' ts-config get tools.timeout 2>/dev/null)" 4
is "an empty text in the environment is one" \
	"$(TURNSTONE_SESSION_INSTRUCTIONS='' ts-config get session.instructions 2>/dev/null; echo $?)" 1
is "a permission given in a file is taken back on the command line" \
	"$(TURNSTONE_TOOLS_SKIP_PERMISSIONS=1 ts-config --no-skip-permissions get tools.skip_permissions 2>/dev/null)" false
is "lists in the environment have commas, and blanks are dropped" \
	"$(TURNSTONE_TOOLS_AUTO_APPROVE=' bash, search ,' ts-config get tools.auto_approve 2>/dev/null | tr '\n' '|')" \
	"bash|search|"
unlike "the password of a proxy is not shown" "$(
	TURNSTONE_PROXY=http://user:hunter2@127.0.0.1:3128 ts-config show 2>&1
	TURNSTONE_PROXY=http://user:hunter2@127.0.0.1:3128 ts-config show --json 2>&1
	TURNSTONE_PROXY=http://user:hunter2@127.0.0.1:3128 ts-config get api.proxy 2>&1
)" hunter2
done_testing
