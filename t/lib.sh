# What every test script uses: TAP, a private directory, children that end.
#
#   . "${0%/*}/lib.sh"
#   ok "title" command...        passes when the command succeeds
#   is "title" "got" "wanted"    texts are equal
#   like "title" "text" 'ERE'    text matches
#   must_fail CODE "title" command...   refuses with exactly CODE (never by a signal)
#   wait_for SECONDS command...  polls until the command succeeds
#   background command...        starts it with a deadline; its pid is in $pid
#   gone PID                     the process has ended
#   all_gone FILE                all have whose pids the file lists, one a line
#   done_testing
#
# BUILD names the build tree under test.

set -u
LC_ALL=C.UTF-8
export LC_ALL
umask 022

case $0 in */*) test_directory=${0%/*} ;; *) test_directory=. ;; esac
SOURCE=$(cd "$test_directory/.." && pwd)
BUILD=${BUILD:-$SOURCE/build}
case $BUILD in /*) ;; *) BUILD=$SOURCE/$BUILD ;; esac
PATH=$BUILD/bin:$PATH
export BUILD SOURCE PATH
# What make gives to the tests of a sanitizer's build, also to one that is run by hand.
case $BUILD in *sanitize*) SANITIZE=1 && export SANITIZE ;; esac

WORK=$(mktemp -d "${TMPDIR:-/tmp}/turnstone-test.XXXXXX") || exit 1
HOME=$WORK/home
XDG_CONFIG_HOME=$HOME/.config
XDG_DATA_HOME=$HOME/.local/share
XDG_STATE_HOME=$HOME/.local/state
XDG_RUNTIME_DIR=$WORK/run
export HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_RUNTIME_DIR
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$WORK/project"
chmod 700 "$XDG_RUNTIME_DIR"
# Nothing of the caller's settings leaks into a test.
for variable in $(env | sed -n 's/^\(TURNSTONE_[A-Z0-9_]*\|TS_[A-Z0-9_]*\)=.*/\1/p') \
	OPENAI_API_KEY OPENAI_BASE_URL TAVILY_API_KEY NO_COLOR http_proxy https_proxy all_proxy \
	HTTP_PROXY HTTPS_PROXY ALL_PROXY; do
	unset "$variable"
done
no_proxy='*'
export no_proxy
cd "$WORK/project" || exit 1

# Where the kernel refuses a sandbox, as in many containers, what is not about the sandbox is tried
# without one, and the rest says so. bubblewrap is asked itself: a fault of ours must not hide here.
sandbox=yes
if ! bwrap --unshare-user --unshare-pid --ro-bind / / --proc /proc --dev /dev true 2>/dev/null; then
	sandbox=no
	TURNSTONE_TOOLS_SANDBOX=off
	export TURNSTONE_TOOLS_SANDBOX
fi

test_count=0
test_failures=0
background_pids=

finish() {
	status=$?
	for pid in $background_pids; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	cd / && rm -rf "$WORK"
	exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

report() { # report ok|not-ok title
	test_count=$((test_count + 1))
	if [ "$1" = ok ]; then
		echo "ok $test_count - $2"
	else
		echo "not ok $test_count - $2"
		diagnose "${0##*/}: failed: $2"
		test_failures=$((test_failures + 1))
	fi
}

# On stderr, where prove shows it.
diagnose() { printf '%s\n' "$1" | head -n 40 | sed 's/^/# /' >&2; }

ok() {
	title=$1
	shift
	if "$@" >"$WORK/.ok-output" 2>&1; then
		report ok "$title"
	else
		report not-ok "$title"
		diagnose "$(cat "$WORK/.ok-output")"
	fi
}

is() {
	if [ "$2" = "$3" ]; then
		report ok "$1"
	else
		report not-ok "$1"
		diagnose "got:    $2"
		diagnose "wanted: $3"
	fi
}

like() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		report ok "$1"
	else
		report not-ok "$1"
		diagnose "got:    $2"
		diagnose "wanted: $3"
	fi
}

unlike() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		report not-ok "$1"
		diagnose "got: $2"
		diagnose "must not match: $3"
	else
		report ok "$1"
	fi
}

must_fail() {
	wanted=$1
	title=$2
	shift 2
	"$@" >"$WORK/.fail-output" 2>&1
	got=$?
	is "$title" "$got" "$wanted"
	[ "$got" = "$wanted" ] || diagnose "$(cat "$WORK/.fail-output")"
}

wait_for() {
	deadline=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# The pid is the program's own, so that a test can signal it. Its stdin is ours: a shell would
# give a background command /dev/null.
background() {
	exec 9<&0
	"$@" <&9 9<&- &
	pid=$!
	exec 9<&-
	background_pids="$background_pids $pid"
}

# Also one that nobody has waited for yet: whoever inherits orphans may take its time.
gone() { ! grep -sq '^State:	[^XZ]' "/proc/$1/status"; }
all_gone() { while read -r one; do gone "$one" || return 1; done <"$1"; }

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# For a test file that is about the sandbox.
need_sandbox() {
	[ "$sandbox" = yes ] || skip_all "this kernel refuses bubblewrap a sandbox"
}

skip() { # skip title reason
	test_count=$((test_count + 1))
	echo "ok $test_count - $1 # SKIP $2"
}

done_testing() {
	echo "1..$test_count"
	[ "$test_failures" -eq 0 ] || exit 1
	exit 0
}

# start_mock [options]: a scripted model endpoint; sets BASE_URL. The port is the system's choice.
start_mock() {
	: >"$WORK/mock.url"
	background ts-mock-llm --port 0 "$@" >"$WORK/mock.url" 2>"$WORK/mock.log"
	# shellcheck disable=SC2034 # for the tests
	mock_pid=$pid
	wait_for 10 test -s "$WORK/mock.url" || {
		diagnose "ts-mock-llm did not start: $(cat "$WORK/mock.log")"
		exit 1
	}
	BASE_URL=$(sed -n 1p "$WORK/mock.url")
	TURNSTONE_BASE_URL=$BASE_URL
	export TURNSTONE_BASE_URL
}
