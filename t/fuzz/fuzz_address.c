/*
 * Addresses: the text of one or of a range, and the bytes of an IPv6 address. What
 * is printed is read as the same, a range holds its first address, and an
 * IPv4 address is judged alike however it is written.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const struct address *address)
{
    struct address again;
    char text[ADDRESS_TEXT_SIZE];
    address_print(address, text);
    if (address_parse(&again, text) < 0 || !address_equal(address, &again))
        abort();
    const char *objection = address_objection(address);
    if (objection != NULL && objection[0] == '\0')
        abort();
}

static void check_mapped(const struct address *address)
{
    struct address mapped;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (address->family != AF_INET)
        return;
    memset(six.sin6_addr.s6_addr + 10, 0xff, 2);
    memcpy(six.sin6_addr.s6_addr + 12, address->bytes, 4);
    if (address_from_socket(&mapped, (const struct sockaddr *)&six) < 0 ||
        !address_equal(address, &mapped))
        abort();
}

static void check_text(const char *text)
{
    struct address address;
    struct address_range range;
    struct error error = {.text = ""};
    if (address_parse(&address, text) == 0) {
        check_address(&address);
        check_mapped(&address);
        if (address_range_parse(&range, text, &error) < 0 || !address_range_holds(&range, &address))
            abort();
    }
    if (address_range_parse(&range, text, &error) < 0) {
        if (error.text[0] == '\0')
            abort();
    } else if (!address_range_holds(&range, &range.first)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct address address;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (text == NULL)
        return 0;
    check_text(text);
    if (size >= sizeof six.sin6_addr) {
        memcpy(&six.sin6_addr, data, sizeof six.sin6_addr);
        if (address_from_socket(&address, (const struct sockaddr *)&six) < 0)
            abort();
        check_address(&address);
    }
    free(text);
    return 0;
}
