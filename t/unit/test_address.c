/* Which addresses are public, and ranges of addresses. */
#include "net/address.h"

#include "tap.h"

#include <arpa/inet.h>

static const struct {
    const char *text;
    const char *objection; /* NULL: public */
} addresses[] = {
    {"8.8.8.8", NULL},
    {"1.1.1.1", NULL},
    {"223.255.255.255", NULL},
    {"0.0.0.0", "this network"},
    {"0.255.255.255", "this network"},
    {"9.255.255.255", NULL},
    {"10.0.0.0", "private network"},
    {"10.255.255.255", "private network"},
    {"11.0.0.0", NULL},
    {"100.63.255.255", NULL},
    {"100.64.0.0", "shared by a provider's customers"},
    {"100.100.100.200", "shared by a provider's customers"},
    {"100.127.255.255", "shared by a provider's customers"},
    {"100.128.0.0", NULL},
    {"127.0.0.1", "loopback"},
    {"127.255.255.255", "loopback"},
    {"128.0.0.0", NULL},
    {"168.63.129.16", "a cloud's own service"},
    {"168.63.129.17", NULL},
    {"169.253.255.255", NULL},
    {"169.254.169.254", "link-local"},
    {"169.255.0.0", NULL},
    {"172.15.255.255", NULL},
    {"172.16.0.0", "private network"},
    {"172.31.255.255", "private network"},
    {"172.32.0.0", NULL},
    {"192.0.0.192", "reserved for protocols"},
    {"192.0.1.0", NULL},
    {"192.0.2.1", "documentation"},
    {"192.88.99.1", "a 6to4 relay"},
    {"192.168.1.1", "private network"},
    {"192.169.0.0", NULL},
    {"198.17.255.255", NULL},
    {"198.18.0.1", "benchmarking"},
    {"198.19.255.255", "benchmarking"},
    {"198.20.0.0", NULL},
    {"198.51.100.7", "documentation"},
    {"203.0.113.7", "documentation"},
    {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.1", "reserved"},
    {"255.255.255.254", "reserved"},
    {"255.255.255.255", "broadcast"},
    {"2606:4700::1111", NULL},
    {"2a00:1450:4001:80b::200e", NULL},
    {"3ffd::1", NULL},
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::2", "an IPv4 address in disguise"},
    {"::7f00:1", "an IPv4 address in disguise"},
    {"::8.8.8.8", "an IPv4 address in disguise"},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:7f00:1", "loopback"},
    {"::ffff:10.1.2.3", "private network"},
    {"::ffff:169.254.169.254", "link-local"},
    {"::ffff:8.8.8.8", NULL},
    {"::ffff:0:127.0.0.1", "reserved"},
    {"64:ff9b::8.8.8.8", NULL},
    {"64:ff9b::127.0.0.1", "loopback"},
    {"64:ff9b::a9fe:a9fe", "link-local"},
    {"64:ff9b:0:0:0:1:808:808", "reserved"},
    {"64:ff9b:1::8.8.8.8", "a private translation to IPv4"},
    {"100::1", "discarded"},
    {"100:0:0:1::1", "reserved"},
    {"200::1", "reserved"},
    {"1fff::1", "reserved"},
    {"2001::1", "a Teredo tunnel"},
    {"2001:0:7f00:1::1", "a Teredo tunnel"},
    {"2001:2::1", "reserved for protocols"},
    {"2001:20::1", "reserved for protocols"},
    {"2001:1ff:ffff::1", "reserved for protocols"},
    {"2001:200::1", NULL},
    {"2001:db8::1", "documentation"},
    {"2001:db9::1", NULL},
    {"2002:7f00:1::1", "a 6to4 tunnel"},
    {"2002:808:808::1", "a 6to4 tunnel"},
    {"2003::1", NULL},
    {"2606:4700::5efe:127.0.0.1", "an ISATAP tunnel"},
    {"2606:4700::200:5efe:127.0.0.1", "an ISATAP tunnel"},
    {"3ffe::1", "no longer in use"},
    {"3fff::1", "documentation"},
    {"3fff:1000::1", NULL},
    {"4000::1", "reserved"},
    {"5f00::1", "reserved"},
    {"fbff::1", "reserved"},
    {"fc00::1", "private network"},
    {"fd00:ec2::254", "private network"},
    {"fe00::1", "reserved"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "site-local"},
    {"ff02::1", "multicast"},
};

static void judge(void)
{
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct address address;
        if (!ok(address_parse(&address, addresses[i].text) == 0, "%s is an address",
                addresses[i].text))
            continue;
        is_text(address_objection(&address), addresses[i].objection, addresses[i].text);
    }
}

static void sockets(void)
{
    struct address address, same;
    char text[ADDRESS_TEXT_SIZE];
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr other = {.sa_family = AF_UNIX};
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &ipv6.sin6_addr);
    inet_pton(AF_INET, "127.0.0.1", &ipv4.sin_addr);
    is_number(address_from_socket(&address, (struct sockaddr *)&ipv6), 0, "a mapped socket");
    address_print(&address, text);
    is_text(text, "127.0.0.1", "is the IPv4 address that it is");
    is_number(address_from_socket(&same, (struct sockaddr *)&ipv4), 0, "an IPv4 socket");
    ok(address_equal(&address, &same), "both are the same");
    is_number(address_from_socket(&address, &other), -1, "a Unix socket has none");
    inet_pton(AF_INET6, "fd00::1", &ipv6.sin6_addr);
    is_number(address_from_socket(&address, (struct sockaddr *)&ipv6), 0, "an IPv6 socket");
    ok(!address_equal(&address, &same), "which is another");
    static const char *const odd[] = {"2130706433", "0x7f.1", "0177.0.0.1", "127.1", "1.2.3.4.5",
        "", "1.2.3.04", "::1%lo", "[::1]", " 1.1.1.1"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        ok(address_parse(&address, odd[i]) < 0, "'%s' is no address", odd[i]);
}

static bool holds(const char *range, const char *address)
{
    struct address_range parsed;
    struct address one;
    return address_range_parse(&parsed, range, NULL) == 0 && address_parse(&one, address) == 0 &&
           address_range_holds(&parsed, &one);
}

static void ranges(void)
{
    ok(holds("127.0.0.1", "127.0.0.1"), "one address");
    ok(!holds("127.0.0.1", "127.0.0.2"), "and no other");
    ok(holds("127.0.0.1", "::ffff:127.0.0.1"), "also when it is mapped");
    ok(holds("10.0.0.0/8", "10.200.3.4"), "a whole number of bytes");
    ok(holds("172.16.0.0/12", "172.31.0.1"), "and of bits");
    ok(!holds("172.16.0.0/12", "172.32.0.1"), "up to its end");
    ok(holds("0.0.0.0/0", "255.255.255.255"), "everything");
    ok(!holds("0.0.0.0/0", "::1"), "but no IPv6");
    ok(!holds("::/0", "127.0.0.1"), "nor the other way round");
    ok(holds("fd00::/8", "fdff::1"), "an IPv6 range");
    ok(holds("::ffff:127.0.0.0/104", "127.1.2.3"), "a mapped range is one of IPv4");
    static const char *const wrong[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
        "10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0.0/8x", "10.0.0.1/8", "10.0.0/8", "fd00::/129",
        "fd00::1/64", "::ffff:0:0/64", "host", "10.0.0.0/99999999999999999999",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/8"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct address_range range;
        struct error error = {0};
        ok(address_range_parse(&range, wrong[i], &error) < 0 && error.text[0] != '\0',
            "'%s' is refused: %s", wrong[i], error.text);
    }
}

int main(void)
{
    judge();
    sockets();
    ranges();
    return tap_done();
}
