#!/bin/sh
# make install puts everything where it belongs, what is installed runs, and make uninstall takes
# away exactly that. make dist packs what a build needs.
. "${0%/*}/lib.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL
# shellcheck disable=SC2153 # set by lib.sh
build=${BUILD#"$SOURCE/"}
remake() { make -s -C "$SOURCE" BUILD="$build" PREFIX=/opt/ts "$@"; }

ok "install succeeds" remake DESTDIR="$WORK/root" install
(cd "$WORK/root/opt/ts" && find . -type f | sed 's|^\./||' | sort) >installed
remake manifest | sed 's/.*://' | sort >wanted
is "it installs what the list says" "$(diff wanted installed)" ""
is "programs can be executed, data cannot" "$(cd "$WORK/root/opt/ts" &&
	find . -type f ! -perm 644 ! -perm 755
	find . -path "./bin/*" -type f ! -perm 755; find . -path "./share/man/*" -type f ! -perm 644)" ""
ok "installing again succeeds" remake DESTDIR="$WORK/root" install
for program in "$WORK"/root/opt/ts/bin/ts-*; do
	[ -x "$program" ] || continue
	like "${program##*/} runs from there" "$("$program" --version)" "^${program##*/} [0-9]"
done
echo mine >"$WORK/root/opt/ts/share/doc/turnstone/mine"
ok "uninstall succeeds" remake DESTDIR="$WORK/root" uninstall
is "it leaves only what is not ours" "$(cd "$WORK/root" && find . -type f)" "./opt/ts/share/doc/turnstone/mine"
rm "$WORK/root/opt/ts/share/doc/turnstone/mine"
ok "uninstall again succeeds" remake DESTDIR="$WORK/root" uninstall
is "our folders are gone" "$(cd "$WORK/root" && find . -path '*turnstone*')" ""

if git -C "$SOURCE" rev-parse HEAD >/dev/null 2>&1; then
	ok "dist succeeds" remake DIST_DIR="$WORK/dist" dist
	first=$(cksum <"$(echo "$WORK"/dist/*.tar.gz)")
	remake DIST_DIR="$WORK/dist" dist >/dev/null
	is "the same commit gives the same bytes" "$(cksum <"$(echo "$WORK"/dist/*.tar.gz)")" "$first"
	mkdir unpacked
	tar -C unpacked --strip-components=1 -xzf "$WORK"/dist/*.tar.gz
	ok "it has what a build needs" make -s -C unpacked -n BUILD=build all unit-tests
	ok "and it compiles" make -s -C unpacked BUILD=build build/obj/lib/base/buffer.o
	ok "there, not here" test -s unpacked/build/obj/lib/base/buffer.o
else
	skip "dist" "this is not a git tree"
fi


# A prefix that looks like a place of ours is still only a prefix.
mkdir -p "$WORK/libexec/turnstone"
cp -R "$BUILD/bin" "$BUILD/share" "$BUILD/libexec" "$WORK/libexec/turnstone/"
like "programs find their data below any prefix" "$(echo '{"type":"tool_batch","calls":[{"name":"x"}]}' |
	"$WORK/libexec/turnstone/bin/ts-tool-prep")" 'The tools are: bash'
done_testing
