#include "agent/line_list.h"

void line_list_add(struct line_list *list, size_t line)
{
    if (list->ranges > 0 && list->more == 0) {
        size_t *last = &list->last[list->ranges - 1];
        if (line == *last)
            return;
        if (line == *last + 1) {
            *last = line;
            return;
        }
    }
    if (list->ranges == LINE_LIST_RANGES) {
        list->more++;
        return;
    }
    list->first[list->ranges] = line;
    list->last[list->ranges] = line;
    list->ranges++;
}

int line_list_print(const struct line_list *list, struct buffer *buffer)
{
    for (size_t range = 0; range < list->ranges; range++) {
        if (buffer_printf(buffer, "%s%zu", range > 0 ? ", " : "", list->first[range]) < 0)
            return -1;
        if (list->last[range] > list->first[range] &&
            buffer_printf(buffer, "-%zu", list->last[range]) < 0)
            return -1;
    }
    return list->more > 0 ? buffer_printf(buffer, " and %zu more", list->more) : 0;
}
