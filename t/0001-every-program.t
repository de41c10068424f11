#!/bin/sh
# What holds for every program: it has a manual page, a line in turnstone(7) and a test; its
# --help, its manual page and its completion tell the same options; it refuses what it does not
# know, and it notices when nobody can read what it writes.
#
# A manual page lists its options as '.It Fl c , Fl -count Ar N' (with the short form) or as
# '.It Fl -count Ar N', and its SYNOPSIS is the usage line of --help. The flags that stand for
# configuration keys may stand in turnstone.toml(5) instead, as '.Fl -count', if the page refers to
# it: they are the same for all programs.
. "${0%/*}/lib.sh"

# Long names in a manual page's option lists, sorted; a letter in front when there is one.
options_of_page() {
	sed -n 's/^\.It Fl /Fl /p' "$1" | awk '{
		gsub(/\\-/, "-"); gsub(/\\&/, "")
		letter = "-"
		for (i = 1; i < NF; i++) {
			if ($i != "Fl") continue
			if ($(i + 1) !~ /^-/) { letter = $(i + 1); continue }
			name = substr($(i + 1), 2)
			if (name != "help" && name != "version") print letter " " name
			letter = "-"
		}
	}' | sort -u
}

synopsis_of_page() {
	mandoc -Tascii -O width=1000 "$1" | sed "s/.$(printf '\b')//g" | awk '
		/^[A-Z]/ { inside = $0 == "SYNOPSIS"; next }
		inside { print }' | tr -s ' \n' '  ' | sed 's/^ //; s/ $//'
}

synopsis_of_help() {
	sed -n '1,/^$/p' "$1" | sed 's/^usage: //' | tr -s ' \n' '  ' | sed 's/^ //; s/ $//'
}

programs=$(cd "$SOURCE" && for file in cmd/ts-*.c cmd/ts-*/main.c sh/ts-* sh/turnstone; do
	[ -f "$file" ] && printf '%s\n' "$file"
done | sed 's|^[a-z]*/||; s|/main\.c$||; s|\.c$||' | sort)
version=$(sed -n 's/.*TURNSTONE_VERSION "\(.*\)".*/\1/p' "$SOURCE/lib/version.h")

for program in $programs; do
	page=$SOURCE/man/$program.1
	if [ ! -f "$page" ]; then
		report not-ok "$program: has a manual page"
		continue
	fi
	report ok "$program: has a manual page"
	ok "$program: turnstone(7) names it" grep -q "^\.It Xr $program 1" "$SOURCE/man/turnstone.7"
	ok "$program: a test of its own names it" sh -c '
		for file in "$1"/t/*.t; do
			case $file in */000[0-9]-*) ;; *) grep -qw -e "$2" "$file" && exit 0 ;; esac
		done
		exit 1' sh "$SOURCE" "$program"

	timeout 10 "$program" --help >help 2>errors </dev/null
	is "$program: --help succeeds" "$? $(cat errors)" "0 "
	like "$program: --help starts with the usage" "$(head -n 1 help)" "^usage: $program( |$)"
	is "$program: SYNOPSIS and --help agree" "$(synopsis_of_page "$page")" "$(synopsis_of_help help)"
	is "$program: --version" "$(timeout 10 "$program" --version </dev/null)" "$program $version"

	timeout 10 "$program" --no-such-option >output 2>errors </dev/null
	is "$program: an unknown option is a usage error" "$?" 2
	like "$program: and is named" "$(cat errors)" "^$program: .*no-such-option"
	is "$program: and nothing goes to stdout" "$(cat output)" ""

	timeout 10 "$program" --help >/dev/full 2>errors </dev/null
	is "$program: a full disk is noticed" "$?" 111
	like "$program: and said" "$(cat errors)" "^$program: .*No space left"
	timeout 10 "$program" --help >&- 2>errors </dev/null
	is "$program: a closed stdout is noticed" "$?" 111
	like "$program: and said" "$(cat errors)" "^$program: ."
	timeout 10 "$program" --version <&- >output 2>&-
	is "$program: does without stdin and stderr" "$? $(cat output)" "0 $program $version"

	timeout 10 "$program" --option-table >table 2>errors </dev/null
	is "$program: its option table has four columns" \
		"$(awk -F '\t' 'NF != 4 || $4 == ""' table)$(cat errors)" ""
	awk -F '\t' '$2 != "help" && $2 != "version" { print $1 " " $2 }' table | sort >listed
	options_of_page "$page" >described
	if grep -q '^\.Xr turnstone\.toml 5' "$page" && [ -f "$SOURCE/man/turnstone.toml.5" ]; then
		grep '^- ' listed | while read -r letter name; do
			grep -q "Fl -$name\( \|\$\)" "$SOURCE/man/turnstone.toml.5" && echo "$letter $name"
		done | sort -u - described >both
		comm -12 both listed | sort -u - described >described-here-or-there
		mv described-here-or-there described
	fi
	is "$program: the manual page describes the options that there are" \
		"$(diff listed described | sed -n 's/^</not in the page:/p; s/^>/not in the program:/p')" ""
done

# The other way round: a page without its program is a leftover.
for page in "$SOURCE"/man/ts-*.1; do
	[ -f "$page" ] || continue
	name=${page##*/}
	ok "$name: its program exists" test -x "$BUILD/bin/${name%.1}"
done

done_testing
