#!/bin/sh
# The layers, the banned names and the length of files: kept by the tree, and noticed when broken.
. "${0%/*}/lib.sh"

ok "the tree keeps the rules of the house" "$SOURCE/sh/lint-house"
if git -C "$SOURCE" rev-parse HEAD >/dev/null 2>&1; then
	is "nothing that was built is in the repository" \
		"$(git -C "$SOURCE" ls-files | grep -E '^(build|dist)|\.(o|d|a|so|gz)$' | head -n 3)" ""
fi

# A small tree that keeps the rules; each breach below is added, seen and taken away again.
mkdir -p tree/lib/base tree/lib/data tree/lib/net tree/lib/agent tree/cmd/common tree/cmd/ts-big tree/t tree/sh
: >tree/lib/base/ok.c
echo '#include "base/ok.h"' >tree/lib/data/ok.c
printf '#include "common/program.h"\n#include "net/ok.h"\n#include "ts-big/part.h"\n' >tree/cmd/ts-big/main.c
ok "a tree that keeps them passes" "$SOURCE/sh/lint-house" tree

breach() { # breach TITLE FILE TEXT WANTED
	mkdir -p "tree/$(dirname "$2")"
	printf '%s\n' "$3" >"tree/$2"
	complaint=$("$SOURCE/sh/lint-house" tree)
	is "$1: refused" "$?" 1
	is "$1: said where and what" "$complaint" "$4"
	rm "tree/$2"
}

breach "an include upward" lib/base/up.c '#include "data/json.h"' \
	'lib/base/up.c:1: base must not include data'
breach "an include to the side" lib/agent/side.c '#include "net/http.h"' \
	'lib/agent/side.c:1: agent must not include net'
breach "a library that includes the programs' header" lib/net/up.c '#include "common/program.h"' \
	'lib/net/up.c:1: lib/ must not include what belongs to programs'
breach "a program that includes another's header" cmd/ts-foo.c '#include "ts-big/part.h"' \
	'cmd/ts-foo.c:1: includes the header of another program (ts-big)'
breach "the lenient JSON parser" lib/agent/lenient.c 'x = cJSON_Parse(text);' \
	'lib/agent/lenient.c:1: this function belongs to lib/data/json.c'
breach "the case-blind look-up" cmd/ts-foo.c 'x = cJSON_GetObjectItem(object, "a");' \
	'cmd/ts-foo.c:1: this function belongs to lib/data/json.c'
breach "the saturating integer" cmd/ts-foo.c 'x = item->valueint;' \
	'cmd/ts-foo.c:1: this function belongs to lib/data/json.c'
breach "a note to self" sh/foo '# TO''DO: later' 'sh/foo:1: a note to self'
breach "code that is switched off" lib/base/off.c '#if 0' 'lib/base/off.c:1: code that is switched off'
breach "a banner" lib/base/art.c '/* --- Parts --''- */' 'lib/base/art.c:1: a banner'
breach "a long file" lib/base/long.c "$(seq 601)" 'lib/base/long.c:601: longer than 600 lines'

done_testing
