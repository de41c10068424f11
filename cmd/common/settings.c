#include "common/settings.h"

#include "common/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool settings_take(struct settings *settings, int id, const char *value)
{
    if (id == OPTION_CONFIG) {
        settings->file = value;
        return true;
    }
    if (id < OPTION_SHARED)
        return false;
    if (settings->count == SETTINGS_MOST)
        die_usage("more than %d options", SETTINGS_MOST);
    settings->given[settings->count].id = id;
    settings->given[settings->count++].value = value;
    return true;
}

void settings_warn(const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    warn("%s", text);
}

struct config *settings_load(const struct settings *settings)
{
    if (settings->file != NULL && settings->file[0] == '\0')
        die_usage("option '--config' needs the name of a file");
    struct error error;
    struct config *config = config_load(settings->file, settings_warn, &error);
    if (config == NULL)
        die_config(&error);
    for (size_t i = 0; i < settings->count; i++) {
        if (config_set_option(config, settings->given[i].id, settings->given[i].value, &error) < 0)
            die_usage("%s", error.text);
    }
    return config;
}
