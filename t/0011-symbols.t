#!/bin/sh
# A function of ours with the name of a library's takes its place in every program that links both,
# and crashes in the library, far from its cause. (warn is also BSD's in libc; nothing calls that.)
. "${0%/*}/lib.sh"

command -v nm >/dev/null || skip_all "nm is not installed"
test -f "$BUILD/libturnstone.a" || skip_all "the library is not built"

nm --defined-only "$BUILD/libturnstone.a" 2>/dev/null | awk '$2 ~ /^[TDB]$/ { print $3 }' | grep -vx warn | sort -u >ours
ok "our library has functions" test -s ours

for program in "$BUILD"/bin/ts-* "$BUILD"/libexec/turnstone/tools/*; do
	[ -x "$program" ] && ldd "$program" 2>/dev/null
done | awk '$3 ~ /^\// { print $3 }' | sort -u >libraries
while read -r library; do
	nm -D --defined-only "$library" 2>/dev/null | awk '$2 ~ /^[TDBWVi]$/ { print $3 }' |
		sed 's/@.*//' | sort -u | comm -12 ours - | sed "s|\$| is also in ${library##*/}|"
done <libraries >clashes
is "none of them is a library's" "$(cat clashes)" ""

done_testing
