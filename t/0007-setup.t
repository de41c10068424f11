#!/bin/sh
# sh/setup: silent when nothing is missing, installs what is, and says what it may not or cannot
# do. The package tools are played by scripts that note how they were called.
. "${0%/*}/lib.sh"

mkdir fake few
fake() { # fake NAME: the script is on stdin
	{
		echo '#!/bin/sh'
		cat
	} >"fake/$1"
	chmod +x "fake/$1"
}

fake dpkg-query <<'END'
while read -r name; do echo "$name installed"; done <packages
echo "jq deinstalled"
exit 1 # as when one of those asked for is unknown
END
fake apt-get <<'END'
echo "$USER_ID $*" >>calls
case $* in
*install*) [ ! -e offline ] || { echo "E: Unable to fetch some archives"; exit 100; }
	for word; do echo "$word" >>packages; done ;;
esac
END
fake id <<'END'
echo "$USER_ID"
END
fake sudo <<'END'
USER_ID=0 exec "$@"
END
fake sleep <<'END'
:
END

everything='gcc libc6-dev make libcurl4-openssl-dev libcjson-dev libmd4c-dev libpcre2-dev libmd-dev libgumbo-dev
libevent-dev libsqlite3-dev bubblewrap ca-certificates perl python3 git curl openssl expect tmux procps sqlite3 mandoc'
installed() { printf '%s\n' "$@" >packages; }
setup() { # setup USER_ID GROUP...
	: >calls
	USER_ID=$1
	export USER_ID
	shift
	PATH=$PWD/fake:$PATH "$SOURCE/sh/setup" "$@" >output 2>&1
}

# shellcheck disable=SC2086 # a list
installed $everything
setup 0
is "nothing missing: succeeds and is silent" "$? $(cat output calls)" "0 "

setup 0 check
is "a missing package is installed" "$?" 0
is "it says so" "$(cat output)" "setup: installing jq"
like "the package lists are renewed first" "$(sed -n 1p calls)" "^0 .*update"
like "only what is missing is asked for, without questions" "$(sed -n 2p calls)" "^0 .*-y .*install .*[^a-z]jq$"

# shellcheck disable=SC2086 # a list
installed $everything
TURNSTONE_NO_INSTALL=1
export TURNSTONE_NO_INSTALL
setup 0 build check
is "TURNSTONE_NO_INSTALL forbids it" "$? $(cat calls)" "3 "
like "and what is missing is named" "$(cat output)" "^setup: missing packages: jq "
unset TURNSTONE_NO_INSTALL

setup 1000 check
is "another user goes through sudo" "$? $(grep -c '^0 .*install' calls)" "0 1"

# shellcheck disable=SC2086 # a list
installed $everything
mv fake/sudo few/sudo
mkdir plain
for command in sh sed sort tr mktemp rm tail cat env timeout; do ln -s "$(command -v $command)" plain/$command; done
mv fake/* plain/
: >calls
USER_ID=1000 PATH=$PWD/plain sh "$SOURCE/sh/setup" check >output 2>&1
is "without sudo it stops" "$? $(cat calls)" "3 "
like "and tells the command" "$(cat output)" "as root: apt-get install jq$"

: >offline
: >calls
USER_ID=0 PATH=$PWD/plain sh "$SOURCE/sh/setup" check >output 2>&1
is "no network: fails" "$?" 111
is "after three attempts" "$(grep -c install calls)" 3
like "with what apt-get said" "$(cat output)" "Unable to fetch some archives"
like "and with what is missing" "$(tail -n 1 output)" "^setup: apt-get install failed .*: jq$"
rm offline
is "and leaves nothing behind" "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'turnstone-setup.*' -newer calls)" ""

printf '%s\n' "$everything" | tr ' ' '\n' | sed 's/^gcc$/clang/; s/openssl-dev/gnutls-dev/' >packages
: >calls
USER_ID=0 PATH=$PWD/plain sh "$SOURCE/sh/setup" build >output 2>&1
is "either of two packages will do" "$? $(cat output calls)" "0 "

# Not Debian: the compiler is asked.
rm plain/dpkg-query plain/apt-get
cat >plain/cc <<'END'
#!/bin/sh
if grep -q curl; then exit 1; fi
END
chmod +x plain/cc
ln -s "$(command -v grep)" plain/grep
PATH=$PWD/plain sh "$SOURCE/sh/setup" build >output 2>&1
is "elsewhere: stops when a header is not found" "$?" 3
like "and names it" "$(cat output)" "curl/curl\.h \(Debian calls it libcurl4-openssl-dev\)"
unlike "but not what was found" "$(cat output)" "md4c"
printf '#!/bin/sh\nexit 0\n' >plain/cc
for command in make bwrap; do printf '#!/bin/sh\n' >plain/$command && chmod +x plain/$command; done
PATH=$PWD/plain sh "$SOURCE/sh/setup" build >output 2>&1
is "elsewhere: goes on silently when all is found" "$? $(cat output)" "0 "

must_fail 2 "an unknown group is refused" "$SOURCE/sh/setup" frobnicate
done_testing
