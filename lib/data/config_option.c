/* The flags of keys as an option table. */
#include "data/config.h"

#include <stdio.h>
#include <string.h>

enum { OPTIONS_MOST = 120, TEXT_MOST = 64 };

/* What a table's rows point to. One table per process: a program has one command line. */
static struct option_spec table[OPTIONS_MOST + 1];
static char placeholders[OPTIONS_MOST][TEXT_MOST];
static char negations[OPTIONS_MOST][TEXT_MOST];
static char negation_help[OPTIONS_MOST][TEXT_MOST];

static const char *placeholder(const struct config_key *key, size_t row)
{
    static const char *const by_type[] = {
        [CONFIG_TEXT] = "TEXT",
        [CONFIG_SECRET] = "TEXT",
        [CONFIG_PATH] = "PATH",
        [CONFIG_INTEGER] = "N",
        [CONFIG_NUMBER] = "NUMBER",
        [CONFIG_LIST] = "LIST",
        [CONFIG_TABLE] = "JSON",
    };
    if (key->type == CONFIG_BOOLEAN)
        return NULL;
    if (key->placeholder != NULL)
        return key->placeholder;
    if (key->choices == NULL)
        return by_type[key->type];
    char *text = placeholders[row];
    snprintf(text, TEXT_MOST, "%s", key->choices);
    for (char *blank = text; (blank = strchr(blank, ' ')) != NULL;)
        *blank = '|';
    return text;
}

static int option_of(const struct config_key *key)
{
    return OPTION_SHARED + 2 * (int)(key - config_keys);
}

int config_option(const char *name)
{
    return option_of(config_find(name));
}

static size_t add(size_t row, const struct config_key *key)
{
    int id = option_of(key);
    table[row] = (struct option_spec){id, key->flag, placeholder(key, row), key->help};
    if (key->type != CONFIG_BOOLEAN)
        return row + 1;
    row++;
    snprintf(negations[row], TEXT_MOST, "no-%s", key->flag);
    snprintf(negation_help[row], TEXT_MOST, "the opposite of --%s", key->flag);
    table[row] = (struct option_spec){id + 1, negations[row], NULL, negation_help[row]};
    return row + 1;
}

const struct option_spec *config_options(unsigned programs)
{
    size_t row = 0;
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if (key->flag != NULL && (key->programs & programs) != 0 && row + 2 <= OPTIONS_MOST)
            row = add(row, key);
    }
    table[row] = (struct option_spec){0};
    return table;
}
