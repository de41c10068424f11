#!/bin/sh
# reference-weaknesses.tsv says of each numbered weakness of the original which test shows that
# it is not here, or why there is none: well-formed, naming tests that exist, and complete.
. "${0%/*}/lib.sh"

# What is not accounted for fails when this is 1, and is only reported when it is 0.
strict=1

accounts=$SOURCE/t/reference-weaknesses.tsv

is "every line is: id, test or '-', note" \
	"$(awk -F '\t' 'NF != 3 || $1 !~ /^[ETCPHSV]-[0-9]+$/ || $2 == "" || length($3) < 8 { print FNR ": " $0 }' "$accounts")" ""
is "every test named exists" "$(cut -f 2 "$accounts" | sed 's/[, ][, ]*/\n/g' | grep -vxF -e - -e '' | sort -u |
	while read -r test; do [ -f "$SOURCE/$test" ] || [ -f "$SOURCE/t/$test" ] || echo "$test"; done)" ""
# The numbered list belongs to the specification, which is not part of this tree.
specification=${SPECIFICATION:-$SOURCE/../shared/spec}
if ls "$specification"/*.md >/dev/null 2>&1; then
	# A weakness is defined where its number stands in bold at the head of an item.
	cat "$specification"/*.md | grep -oE '\*\*[ETC]-[0-9]+' | tr -d '*' | sort -u >known
	cut -f 1 "$accounts" | sort -u >listed
	missing=$(comm -23 known listed | sort -t - -k 1,1 -k 2,2n | tr '\n' ' ')
	unknown=$(grep '^[ETC]-' listed | comm -13 known - | tr '\n' ' ')
	is "every id listed exists" "$unknown" ""
	both=$(awk -F '\t' '$2 == "-" { reason[$1] } $2 != "-" { test[$1] }
		END { for (id in reason) if (id in test) print id }' "$accounts" | sort | tr '\n' ' ')
	if [ "$strict" = 1 ]; then
		is "no id has both a test and a reason why there is none" "$both" ""
		is "every weakness is accounted for" "$missing" ""
	else
		diagnose "both a test and a reason: ${both:-none}"
		diagnose "not accounted for yet ($(echo "$missing" | wc -w) of $(wc -l <known)): $missing"
	fi
else
	skip "every weakness is accounted for" "the specification is not here"
fi

done_testing
