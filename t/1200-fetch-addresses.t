#!/bin/sh
# ts-fetch reaches public addresses only, whatever the spelling, the name or the redirect.
. "${0%/*}/lib.sh"
. "$SOURCE/t/web.sh"

start_web
here="http://127.0.0.1:$WEB_PORT"

refused() { # refused TITLE ERE URL [options]
	title=$1 pattern=$2 url=$3
	shift 3
	: >"$WEB_LOG"
	timeout 20 ts-fetch --ports '*' --fetch-timeout 10 "$@" "$url" >output 2>errors
	is "$title: refused" "$? $(cat output)" "1 "
	like "$title: and said why" "$(cat errors)" "^ts-fetch: .*$pattern"
	is "$title: and nothing was asked for" "$(cat "$WEB_LOG")" ""
}

refused "loopback" "address 127\.0\.0\.1 is not public \(loopback\)" "$here/text"
refused "by its name" "is not public \(loopback\)" "http://localhost:$WEB_PORT/text"
refused "with a dot behind it" "is not public \(loopback\)" "http://localhost.:$WEB_PORT/text"
refused "as one number" "not four decimal numbers" "http://2130706433:$WEB_PORT/text"
refused "in hexadecimal" "not four decimal numbers" "http://0x7f000001:$WEB_PORT/text"
refused "in parts" "not four decimal numbers" "http://0x7f.1:$WEB_PORT/text"
refused "in octal" "not four decimal numbers" "http://0177.0.0.1:$WEB_PORT/text"
refused "shortened" "not four decimal numbers" "http://127.1:$WEB_PORT/text"
refused "with zeros in front" "not four decimal numbers" "http://127.000.000.001:$WEB_PORT/text"
refused "zero, which is this machine" "0\.0\.0\.0 is not public" "http://0.0.0.0:$WEB_PORT/text"
refused "IPv6 loopback" "::1 is not public \(loopback\)" "http://[::1]:$WEB_PORT/text"
refused "mapped" "127\.0\.0\.1 is not public \(loopback\)" "http://[::ffff:127.0.0.1]:$WEB_PORT/text"
refused "mapped, in hexadecimal" "127\.0\.0\.1 is not public" "http://[::ffff:7f00:1]:$WEB_PORT/text"
refused "compatible" "IPv4 address in disguise" "http://[::127.0.0.1]:$WEB_PORT/text"
refused "translated" "not public \(loopback\)" "http://[64:ff9b::7f00:1]:$WEB_PORT/text"
refused "translated privately" "not public \(a private translation" "http://[64:ff9b:1::1]/"
refused "6to4" "not public \(a 6to4 tunnel" "http://[2002:7f00:1::]/"
refused "Teredo" "not public \(a Teredo tunnel" "http://[2001::1]/"
refused "a zone" "no IPv6 address" "http://[fe80::1%25lo]/"
refused "unique local" "not public \(private" "http://[fd00::1]/"
refused "link-local" "not public \(link-local" "http://[fe80::1]/"
refused "multicast" "not public \(multicast" "http://224.0.0.1/"
refused "metadata" "169\.254\.169\.254 is not public \(link-local" "http://169.254.169.254/latest/meta-data/"
refused "metadata in shared space" "100\.100\.100\.200 is not public \(shared" "http://100.100.100.200/"
refused "metadata over IPv6" "fd00:ec2::254 is not public" "http://[fd00:ec2::254]/"
refused "private" "10\.0\.0\.1 is not public \(private" "http://10.0.0.1/"
refused "broadcast" "255\.255\.255\.255 is not public" "http://255.255.255.255/"
refused "letters in circles" "not ASCII" "http://ⓛocalhost:$WEB_PORT/text"
refused "an escaped host" "could deceive" "http://127.0.0.1%2f.x.example/"
refused "a user before the host" "user or password" "http://example.org@127.0.0.1:$WEB_PORT/text"
refused "a backslash" "backslash" "http://example.org\\@127.0.0.1:$WEB_PORT/text"
refused "a newline" "space or control" "$(printf 'http://127.0.0.1/\nx')"
refused "a file" "only http" "file:///etc/passwd"
refused "another scheme" "only http" "gopher://127.0.0.1/"
refused "no scheme" "only http" "127.0.0.1:$WEB_PORT/text"
refused "no host" "names no host" "http:///text"
refused "a name that is not there" "host 'no-such.invalid' was not found" "http://no-such.invalid/"

# Proxies would be somebody else's way in.
http_proxy=$here all_proxy=$here
export http_proxy all_proxy
unset no_proxy
refused "with a proxy in the environment" "127\.0\.0\.1 is not public" "$here/text"
is "no proxy is asked" "$(timeout 20 ts-fetch --trusted --body "$here/text" 2>&1)" "plain text"
unset http_proxy all_proxy

# What a person opens is open, and no more.
is "an opened address" "$(fetch --body "$here/text" 2>&1)" "plain text"
is "opened for IPv4 is opened for the mapped form" \
	"$(fetch --body "http://[::ffff:127.0.0.1]:$WEB_PORT/text" 2>&1)" "plain text"
refused "another one" "127\.0\.0\.1 is not public" "$here/text" --allow-addresses 127.0.0.2,10.0.0.0/8
refused "the other family" "127\.0\.0\.1 is not public" "$here/text" --allow-addresses ::/0
must_fail 3 "a range with a typing error" ts-fetch --allow-addresses 127.0.0.1/8 "$here/text"
must_fail 3 "a port that is none" ts-fetch --ports 80,http "$here/text"
mkdir -p "$XDG_CONFIG_HOME/turnstone"
printf '[web]\nallow_addresses = ["127.0.0.0/8"]\nports = ["%s"]\n' "$WEB_PORT" \
	>"$XDG_CONFIG_HOME/turnstone/config.toml"
is "opened in the configuration" "$(timeout 20 ts-fetch --body "$here/text" 2>&1)" "plain text"
rm "$XDG_CONFIG_HOME/turnstone/config.toml"

# Ports and hosts.
timeout 20 ts-fetch --allow-addresses 127.0.0.1 "$here/text" >output 2>errors
is "another port is refused" "$? $(cat output)" "1 "
like "and named" "$(cat errors)" "port $WEB_PORT is not among those allowed \(web.ports\)"
refused "a denied host" "host is denied" "http://localhost:$WEB_PORT/" --deny-hosts LocalHost
refused "what is below a denied host" "host is denied" "http://a.b.example.org/" --deny-hosts example.org
refused "a host that is not allowed" "not among those allowed" "$here/" --allow-hosts example.org
refused "a host that ends alike" "not among those allowed" "http://badexample.org/" --allow-hosts example.org
refused "the host itself, if only those below are allowed" "not among those allowed" \
	"http://example.org/" --allow-hosts '*.example.org'
is "an allowed host" "$(fetch --body --allow-hosts example.org,127.0.0.1 "$here/text" 2>&1)" "plain text"

# Redirects: each hop is judged anew.
hop() { # hop TITLE ERE TARGET [options]
	title=$1 pattern=$2 target=$3
	shift 3
	fetch "$@" "$here/redirect?$target" >output 2>errors
	is "a redirect to $title: refused" "$? $(cat output)" "1 "
	like "a redirect to $title: and said" "$(cat errors)" "redirected to .*$pattern"
}
hop "a file" "only http" "file:///etc/passwd"
hop "another loopback" "127\.0\.0\.2 is not public" "http://127.0.0.2:$WEB_PORT/text" --allow-addresses 127.0.0.1
hop "IPv6 loopback" "::1 is not public" "http://[::1]:$WEB_PORT/text" --allow-addresses 127.0.0.1
hop "metadata" "169\.254\.169\.254 is not public" "http://169.254.169.254/"
hop "a number" "127\.0\.0\.2 is not public" "http://2130706434:$WEB_PORT/"
hop "a user" "user or password" "http://x@127.0.0.1:$WEB_PORT/text"
hop "a denied host" "host is denied" "http://localhost:$WEB_PORT/" --deny-hosts localhost
hop "another port" "port 81 is not" "http://127.0.0.1:81/" --ports "80,$WEB_PORT"
hop "over two hops" "10\.0\.0\.1 is not public" "/redirect%3Fhttp://10.0.0.1/"

# Names that change what they mean between two look-ups: what counts is the address of the connection.
cat >resolver.c <<'END'
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* rebind.example is an open address for who asks first, and $REBOUND for who asks again. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **result)
{
    static int asked;
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
            RTLD_NEXT, "getaddrinfo");
    if (node != NULL && strcmp(node, "rebind.example") == 0)
        node = asked++ < atoi(getenv("HONEST")) ? "127.0.0.1" : getenv("REBOUND");
    return real(node, service, hints, result);
}
END
if ${CC:-cc} -shared -fPIC -o resolver.so resolver.c -ldl 2>/dev/null && [ -z "${SANITIZE:-}" ]; then
	rebind() { # rebind HONEST ADDRESS URL
		HONEST=$1 REBOUND=$2 LD_PRELOAD=$PWD/resolver.so timeout 20 ts-fetch --ports '*' \
			--allow-addresses 127.0.0.1 --fetch-timeout 10 --body "$3" >output 2>errors
	}
	rebind 9 127.0.0.2 "http://rebind.example:$WEB_PORT/text"
	is "the test's resolver answers" "$? $(cat output errors)" "0 plain text"
	rebind 0 127.0.0.2 "http://rebind.example:$WEB_PORT/text"
	is "a name for this machine" "$?" 1
	like "is judged by its address" "$(cat errors)" "127\.0\.0\.2 is not public"
	rebind 1 127.0.0.2 "http://rebind.example:$WEB_PORT/redirect?http://rebind.example:$WEB_PORT/text"
	is "a name that changes between two hops" "$? $(cat output)" "1 "
	like "is judged at each" "$(cat errors)" "redirected to .*127\.0\.0\.2 is not public"
else
	skip "names that change" "no compiler, or the sanitizer's own preload"
fi

done_testing
