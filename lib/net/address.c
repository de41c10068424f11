#include "net/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { IPV4_SIZE = 4, IPV6_SIZE = 16 };

struct special {
    unsigned char first[IPV6_SIZE];
    unsigned prefix;
    const char *what;
};

static const struct special special_ipv4[] = {
    {{0}, 8, "this network"},
    {{10}, 8, "private network"},
    {{100, 64}, 10, "shared by a provider's customers"},
    {{127}, 8, "loopback"},
    {{168, 63, 129, 16}, 32, "a cloud's own service"}, /* Azure's, in public space */
    {{169, 254}, 16, "link-local"},
    {{172, 16}, 12, "private network"},
    {{192, 0, 0}, 24, "reserved for protocols"},
    {{192, 0, 2}, 24, "documentation"},
    {{192, 88, 99}, 24, "a 6to4 relay"},
    {{192, 168}, 16, "private network"},
    {{198, 18}, 15, "benchmarking"},
    {{198, 51, 100}, 24, "documentation"},
    {{203, 0, 113}, 24, "documentation"},
    {{224}, 4, "multicast"},
    {{255, 255, 255, 255}, 32, "broadcast"},
    {{240}, 4, "reserved"},
};

/* Outside 2000::/3, where nothing is public: only to say what it is. */
static const struct special special_ipv6[] = {
    {{0}, 128, "unspecified"},
    {{[15] = 1}, 128, "loopback"},
    {{0}, 96, "an IPv4 address in disguise"},
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "a private translation to IPv4"},
    {{0x01, 0x00}, 64, "discarded"},
    {{0xfc}, 7, "private network"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
};

/* Inside 2000::/3. */
static const struct special special_global[] = {
    {{0x20, 0x01, 0x00, 0x00}, 32, "a Teredo tunnel"},
    {{0x20, 0x01}, 23, "reserved for protocols"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x20, 0x02}, 16, "a 6to4 tunnel"},
    {{0x3f, 0xfe}, 16, "no longer in use"},
    {{0x3f, 0xff}, 20, "documentation"},
};

static const unsigned char global_unicast[IPV6_SIZE] = {0x20};
static const unsigned char translated[IPV6_SIZE] = {0x00, 0x64, 0xff, 0x9b};
static const unsigned char mapped[IPV6_SIZE] = {[10] = 0xff, [11] = 0xff};

static bool same_bits(const unsigned char *one, const unsigned char *other, unsigned count)
{
    unsigned whole = count / 8, rest = count % 8;
    if (memcmp(one, other, whole) != 0)
        return false;
    return rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0;
}

static void set_ipv4(struct address *address, const unsigned char *bytes)
{
    *address = (struct address){.family = AF_INET};
    memcpy(address->bytes, bytes, IPV4_SIZE);
}

static void set_ipv6(struct address *address, const unsigned char *bytes)
{
    *address = (struct address){.family = AF_INET6};
    memcpy(address->bytes, bytes, IPV6_SIZE);
    if (same_bits(bytes, mapped, 96))
        set_ipv4(address, bytes + 12);
}

int address_from_socket(struct address *address, const struct sockaddr *socket_address)
{
    if (socket_address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, socket_address, sizeof ipv4);
        set_ipv4(address, (const unsigned char *)&ipv4.sin_addr);
        return 0;
    }
    if (socket_address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, socket_address, sizeof ipv6);
        set_ipv6(address, ipv6.sin6_addr.s6_addr);
        return 0;
    }
    return -1;
}

int address_parse(struct address *address, const char *text)
{
    unsigned char bytes[IPV6_SIZE];
    if (inet_pton(AF_INET, text, bytes) == 1)
        set_ipv4(address, bytes);
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        set_ipv6(address, bytes);
    else
        return -1;
    return 0;
}

void address_print(const struct address *address, char *text)
{
    if (inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT_SIZE) == NULL)
        snprintf(text, ADDRESS_TEXT_SIZE, "?");
}

bool address_equal(const struct address *one, const struct address *other)
{
    return one->family == other->family && memcmp(one->bytes, other->bytes, IPV6_SIZE) == 0;
}

static const char *find(const struct special *table, size_t count, const unsigned char *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (same_bits(table[i].first, bytes, table[i].prefix))
            return table[i].what;
    }
    return NULL;
}

#define FIND(table, bytes) find(table, sizeof(table) / sizeof(table)[0], bytes)

const char *address_objection(const struct address *address)
{
    const unsigned char *bytes = address->bytes;
    if (address->family == AF_INET)
        return FIND(special_ipv4, bytes);
    if (same_bits(bytes, translated, 96))
        return FIND(special_ipv4, bytes + 12);
    if (!same_bits(bytes, global_unicast, 3)) {
        const char *what = FIND(special_ipv6, bytes);
        return what != NULL ? what : "reserved";
    }
    /* ISATAP: the last four bytes are an IPv4 address of the tunnel's other end. */
    if ((bytes[8] == 0x00 || bytes[8] == 0x02) && bytes[9] == 0x00 && bytes[10] == 0x5e &&
        bytes[11] == 0xfe)
        return "an ISATAP tunnel";
    return FIND(special_global, bytes);
}

/* The number behind '/'; -1: none, or beyond most. */
static int parse_prefix(const char *text, unsigned most, unsigned *prefix)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1] != '\0'))
        return -1;
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number > most)
        return -1;
    *prefix = (unsigned)number;
    return 0;
}

static bool zero_behind(const struct address_range *range, unsigned bits)
{
    for (unsigned bit = range->prefix; bit < bits; bit++) {
        if ((range->first.bytes[bit / 8] & (0x80 >> bit % 8)) != 0)
            return false;
    }
    return true;
}

int address_range_parse(struct address_range *range, const char *text, struct error *error)
{
    char address[ADDRESS_TEXT_SIZE];
    size_t length = strcspn(text, "/");
    unsigned char bytes[IPV6_SIZE];
    if (length >= sizeof address)
        return error_set(error, "'%s' is no address or range of addresses", text);
    memcpy(address, text, length);
    address[length] = '\0';
    bool long_form = inet_pton(AF_INET6, address, bytes) == 1;
    unsigned bits = long_form ? IPV6_SIZE * 8 : IPV4_SIZE * 8;
    if (address_parse(&range->first, address) < 0)
        return error_set(error, "'%s' is no address or range of addresses", text);
    range->prefix = bits;
    if (text[length] == '/' && parse_prefix(text + length + 1, bits, &range->prefix) < 0)
        return error_set(error, "'%s' has no prefix of 0 to %u bits behind '/'", text, bits);
    if (long_form && range->first.family == AF_INET) {
        if (range->prefix < 96)
            return error_set(error, "'%s': write a range of IPv4 addresses as such", text);
        range->prefix -= 96;
        bits = IPV4_SIZE * 8;
    }
    if (!zero_behind(range, bits))
        return error_set(error, "'%s' has bits set behind its prefix", text);
    return 0;
}

bool address_range_holds(const struct address_range *range, const struct address *address)
{
    return range->first.family == address->family &&
           same_bits(range->first.bytes, address->bytes, range->prefix);
}
