/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef TESTS_UNIT_CONDITIONS_H
#define TESTS_UNIT_CONDITIONS_H

/** @file conditions.h Conditions and orders of a list by their names in its URL, and samples of
 *  their values. */

#include <string.h>

#include "../../mod_usermgmt/db/list.h"

/* A filter, perhaps one of its choices, and a value that few rows match and one that nearly all
 * do. */
typedef struct sample_t {
    const char *filter;
    const char *choice;
    const char *few;
    const char *many;
} sample_t;

/* The end of a list of samples. */
/* clang-format off */
#define LAST_SAMPLE { NULL, NULL, NULL, NULL }
/* clang-format on */

static int condition_of_choice(const um_list_choice_t *choices, const char *value)
{
    for (; choices->value != NULL; choices++) {
        if (strcmp(choices->value, value) == 0) {
            return choices->condition;
        }
    }
    return UM_LIST_NO_CONDITION;
}

/* The number of the condition of a filter, or of one of its choices. */
static int condition_of(const um_list_source_t *source, const char *name, const char *choice)
{
    for (const um_list_filter_t *filter = source->filters; filter->name != NULL; filter++) {
        if (strcmp(filter->name, name) == 0) {
            return choice != NULL ? condition_of_choice(filter->choices, choice)
                                  : filter->condition;
        }
    }
    return UM_LIST_NO_CONDITION;
}

static int order_of(const um_list_source_t *source, const char *name)
{
    int order = source->order_count - 1;

    while (order > 0
           && (source->orders[order].name == NULL
               || strcmp(source->orders[order].name, name) != 0)) {
        order--;
    }
    return order;
}

#endif
