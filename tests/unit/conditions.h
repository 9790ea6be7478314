/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef TESTS_UNIT_CONDITIONS_H
#define TESTS_UNIT_CONDITIONS_H

/** @file conditions.h Conditions and orders of a list by their names in its URL. */

#include <string.h>

#include "../../mod_usermgmt/db/list.h"

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

    while (order > 0 && strcmp(source->orders[order].name, name) != 0) {
        order--;
    }
    return order;
}

#endif
