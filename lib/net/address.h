/*
 * Which addresses may be reached on behalf of a model: public unicast ones.
 *
 * Whatever a page or a model names may lead to this machine, to its network or
 * to the metadata service of a cloud, by a name, an odd spelling, a redirect or
 * an IPv4 address inside an IPv6 one. So the address that is really connected
 * to is judged, and everything that is not known to be public is refused. The
 * tables are IANA's registries of special-purpose addresses (RFC 6890).
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_SIZE = INET6_ADDRSTRLEN };

/* An IPv4 address mapped into IPv6 (::ffff:a.b.c.d) is kept as the IPv4 address it is. */
struct address {
    int family;              /* AF_INET or AF_INET6 */
    unsigned char bytes[16]; /* in the order of the network; 4 of them for AF_INET */
};

struct address_range {
    struct address first;
    unsigned prefix; /* bits that an address has in common with the first */
};

/* 0, or -1: neither IPv4 nor IPv6. */
int address_from_socket(struct address *address, const struct sockaddr *socket_address);

/* From its usual spelling, and no other. 0, or -1. */
int address_parse(struct address *address, const char *text);

/* Its usual spelling; text has ADDRESS_TEXT_SIZE bytes. */
void address_print(const struct address *address, char *text);

bool address_equal(const struct address *one, const struct address *other);

/* Why it is not a public unicast address, as a fragment ("loopback"); NULL: it is one. */
const char *address_objection(const struct address *address);

/* "10.0.0.0/8", "fd00::/8", or one address. 0, or -1 with a sentence; bits behind the prefix must
 * be zero, because a range with others is a typing error. */
int address_range_parse(struct address_range *range, const char *text, struct error *error);

bool address_range_holds(const struct address_range *range, const struct address *address);

#endif
