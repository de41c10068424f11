# shellcheck shell=sh
# The tests' web server and what they ask it with; sourced behind lib.sh.

# Sets WEB_PORT; what was asked for is in the file $WEB_LOG.
start_web() {
	WEB_LOG=$WORK/web.log
	export WEB_LOG
	: >"$WEB_LOG"
	: >"$WORK/web.port"
	background perl "$SOURCE/t/web-server" >"$WORK/web.port" 2>"$WORK/web.errors"
	wait_for 20 test -s "$WORK/web.port" || {
		diagnose "the web server did not start: $(cat "$WORK/web.errors")"
		exit 1
	}
	# shellcheck disable=SC2034 # for the tests
	WEB_PORT=$(cat "$WORK/web.port")
}

# ts-fetch with the server opened to it.
fetch() {
	timeout 30 ts-fetch --ports '*' --allow-addresses 127.0.0.1 "$@"
}
