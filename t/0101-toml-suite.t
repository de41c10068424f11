#!/bin/sh
# The TOML reader against the public test suite for TOML 1.0, where that is at hand.
. "${0%/*}/lib.sh"

suite=$SOURCE/../shared/data/toml-test
[ -f "$suite/files-toml-1.0.0" ] || skip_all "the TOML test suite is not at ../shared/data/toml-test"

accepted='' refused='' count=0
while read -r file; do
	case $file in
	invalid/*.toml)
		ts-config toml-json "$suite/$file" >/dev/null 2>"$WORK/message"
		[ $? = 1 ] || accepted="$accepted $file"
		read -r message <"$WORK/message"
		case $message in # it says where
		*.toml:[0-9]*:[0-9]*:\ *) ;;
		*) accepted="$accepted no-place:$file" ;;
		esac
		;;
	valid/*.toml)
		if ts-config toml-json "$suite/$file" >"$WORK/got" 2>/dev/null; then
			printf '{"file": "%s", "got": %s, "wanted": %s}\n' "$file" "$(cat "$WORK/got")" \
				"$(cat "$suite/${file%.toml}.json")" >>"$WORK/pairs"
		else
			refused="$refused $file"
		fi
		;;
	esac
	count=$((count + 1))
done <"$suite/files-toml-1.0.0"

ok "the list has hundreds of cases ($count)" test "$count" -gt 300
is "every invalid document is refused, with its place" "$accepted" ""
is "every valid document is accepted" "$refused" ""

# Numbers and times are compared by value, not by how they are written.
cat >"$WORK/compare.jq" <<'JQ'
def number: ascii_downcase | sub("^\\+"; "") |
	if test("nan") then "nan" elif test("inf") then . else tonumber | tostring end;
def time: ascii_upcase | sub("(?<d>^[0-9]{4}-[0-9]{2}-[0-9]{2}) "; "\(.d)T")
	| if test("\\.") then sub("(?<f>\\.[0-9]*[1-9])0+"; .f) | sub("\\.0+(?=[^0-9]|$)"; "") else . end
	| sub("[+-]00:00$"; "Z");
def normal:
	if type == "object" then
		if (.type | type) == "string" and (.value | type) == "string" and length == 2 then
			if .type == "float" then .value |= number
			elif .type | test("date|time") then .value |= time
			else . end
		else map_values(normal) end
	elif type == "array" then map(normal)
	else . end;
select((.got | normal) != (.wanted | normal)) | "\(.file): \(.got | tojson) is not \(.wanted | tojson)"
JQ
is "every valid document has the values it should" "$(jq -r -f "$WORK/compare.jq" "$WORK/pairs")" ""
is "and the comparison sees a difference" \
	"$(echo '{"file": "f", "got": {"type": "float", "value": "1.0"}, "wanted": {"type": "float", "value": "1.5"}}' |
		jq -r -f "$WORK/compare.jq" | cut -d: -f1)" "f"
done_testing
