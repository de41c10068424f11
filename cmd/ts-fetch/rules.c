#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PORT_TEXT_SIZE = 16 };

static int read_ranges(struct rules *rules, const struct config *config, struct error *error)
{
    size_t count = config_list_size(config, "web.allow_addresses");
    if (count > RULES_RANGES)
        return error_set(error, "web.allow_addresses: more than %d ranges", RULES_RANGES);
    for (size_t i = 0; i < count; i++) {
        const char *text = config_list_item(config, "web.allow_addresses", i);
        if (address_range_parse(&rules->opened[i], text, error) < 0)
            return error_prefix(error, "web.allow_addresses: ");
    }
    rules->opened_count = count;
    return 0;
}

static int check_ports(const struct config *config, struct error *error)
{
    for (size_t i = 0; i < config_list_size(config, "web.ports"); i++) {
        const char *text = config_list_item(config, "web.ports", i);
        size_t length = strlen(text);
        if (strcmp(text, "*") != 0 &&
            (length == 0 || length > 5 || text[0] == '0' || strspn(text, "0123456789") != length))
            return error_set(error, "web.ports: '%s' is neither a port nor \"*\"", text);
    }
    return 0;
}

int rules_init(struct rules *rules, const struct config *config, struct error *error)
{
    *rules = (struct rules){.config = config};
    return check_ports(config, error) < 0 ? -1 : read_ranges(rules, config, error);
}

/* The host itself, or one below it; with "*." or "." in front only those below. */
static bool covers(const char *pattern, const char *host)
{
    bool below = strncmp(pattern, "*.", 2) == 0 || pattern[0] == '.';
    pattern += pattern[0] == '*' ? 2 : below;
    size_t length = strlen(pattern), whole = strlen(host);
    if (length == 0 || length > whole || strcasecmp(host + whole - length, pattern) != 0)
        return false;
    return whole == length ? !below : host[whole - length - 1] == '.';
}

static const char *listed(const struct rules *rules, const char *key, const char *host)
{
    for (size_t i = 0; i < config_list_size(rules->config, key); i++) {
        const char *pattern = config_list_item(rules->config, key, i);
        if (covers(pattern, host))
            return pattern;
    }
    return NULL;
}

static bool port_listed(const struct rules *rules, unsigned port)
{
    char text[PORT_TEXT_SIZE];
    snprintf(text, sizeof text, "%u", port);
    for (size_t i = 0; i < config_list_size(rules->config, "web.ports"); i++) {
        const char *item = config_list_item(rules->config, "web.ports", i);
        if (strcmp(item, "*") == 0 || strcmp(item, text) == 0)
            return true;
    }
    return false;
}

int rules_check_url(const struct rules *rules, const struct url *url, struct error *error)
{
    bool http = url->scheme_length == 4 && strncmp(url->text, "http", 4) == 0;
    bool https = url->scheme_length == 5 && strncmp(url->text, "https", 5) == 0;
    if (!http && !https)
        return error_set(error, "only http and https are fetched");
    if (rules->trusted)
        return 0;
    const char *denied = listed(rules, "web.deny_hosts", url->host);
    if (denied != NULL)
        return error_set(error, "the host is denied (web.deny_hosts has '%s')", denied);
    if (config_list_size(rules->config, "web.allow_hosts") > 0 &&
        listed(rules, "web.allow_hosts", url->host) == NULL)
        return error_set(error, "the host is not among those allowed (web.allow_hosts)");
    if (!port_listed(rules, url_port(url)))
        return error_set(error, "port %u is not among those allowed (web.ports)", url_port(url));
    return 0;
}

int rules_check_address(
    const struct rules *rules, const struct address *address, struct error *error)
{
    char text[ADDRESS_TEXT_SIZE];
    const char *objection = address_objection(address);
    if (rules->trusted || objection == NULL)
        return 0;
    for (size_t i = 0; i < rules->opened_count; i++) {
        if (address_range_holds(&rules->opened[i], address))
            return 0;
    }
    address_print(address, text);
    return error_set(error, "address %s is not public (%s)", text, objection);
}
