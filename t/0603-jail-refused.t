#!/bin/sh
# A kernel that allows no sandbox: nothing is run, and a sentence says why.
. "${0%/*}/lib.sh"

ts-jail --explain >/dev/null 2>&1 || skip_all "this kernel allows no sandbox to begin with"

# No user namespaces.
without_namespaces() {
	bwrap --dev-bind / / --unshare-user --unshare-pid --proc /proc --disable-userns -- "$@"
}
if without_namespaces true 2>/dev/null; then
	must_fail 111 "no user namespaces: refused" without_namespaces ts-jail -- touch ran
	ok "nothing was run" test ! -e ran
	like "it is said why, and what to do" "$(without_namespaces ts-jail -- true 2>&1)" \
		'build the sandbox: .*namespace.*kernel\.unprivileged_userns_clone'
	is "the status line says it too" "$(without_namespaces ts-jail --status-fd 1 -- true 2>/dev/null |
		jq -r '.status + " " + (.message | startswith("build the sandbox") | tostring)')" "failed true"
	must_fail 111 "--explain says that it does not work" without_namespaces ts-jail --explain
	must_fail 7 "the profile off needs none" without_namespaces ts-jail --profile off -- sh -c 'exit 7'
else
	skip "no user namespaces: refused" "they cannot be switched off here"
fi

# No bubblewrap.
if bwrap --dev-bind / / --ro-bind /dev/null /usr/bin/bwrap -- true 2>/dev/null; then
	like "no bubblewrap: it is said" \
		"$(bwrap --dev-bind / / --ro-bind /dev/null /usr/bin/bwrap -- ts-jail -- touch ran 2>&1)" \
		"bubblewrap is not installed: install the package 'bubblewrap'"
	ok "nothing was run without it" test ! -e ran
fi

# /proc cannot be mounted, as in a container that masks parts of it.
if bwrap --dev-bind / / --unshare-user --ro-bind /dev/null /proc/kcore -- true 2>/dev/null; then
	bwrap --dev-bind / / --unshare-user --cap-add ALL --ro-bind /dev/null /proc/kcore -- \
		ts-jail -- touch ran >masked 2>&1
	code=$?
	is "a masked /proc: refused" "$code $(test -e ran && echo ran)" "111 "
	like "a masked /proc: said" "$(cat masked)" 'build the sandbox: '
fi

done_testing
