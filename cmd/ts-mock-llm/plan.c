#include "plan.h"

#include <stdlib.h>

void plan_init(struct plan *plan)
{
    *plan = (struct plan){.status = 200, .disconnect_after = -1};
    buffer_init(&plan->bytes, PLAN_BYTES_LIMIT);
    buffer_init(&plan->block, PLAN_BYTES_LIMIT);
}

void plan_release(struct plan *plan)
{
    buffer_release(&plan->bytes);
    buffer_release(&plan->block);
    free(plan->ends);
    plan->ends = NULL;
    plan->count = plan->capacity = 0;
}

static int add_end(struct plan *plan, size_t end)
{
    if (plan->count == plan->capacity) {
        size_t capacity = plan->capacity == 0 ? 16 : plan->capacity * 2;
        size_t *ends = realloc(plan->ends, capacity * sizeof *ends);
        if (ends == NULL)
            return -1;
        plan->ends = ends;
        plan->capacity = capacity;
    }
    plan->ends[plan->count++] = end;
    return 0;
}

int plan_end_piece(struct plan *plan)
{
    size_t last = plan->count == 0 ? 0 : plan->ends[plan->count - 1];
    return plan->bytes.length == last ? 0 : add_end(plan, plan->bytes.length);
}

int plan_recut(struct plan *plan, size_t size)
{
    plan->count = 0;
    for (size_t end = size; end < plan->bytes.length; end += size)
        if (add_end(plan, end) < 0)
            return -1;
    return plan_end_piece(plan);
}
