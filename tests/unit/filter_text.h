/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_TESTS_FILTER_TEXT_H
#define UM_TESTS_FILTER_TEXT_H

/** @file filter_text.h The tree of a filter as a filter again, with parentheses where it needs
 *  them. */

#include "../../mod_usermgmt/base/filter.h"
#include "../../mod_usermgmt/base/json.h"

static inline void put_value(um_buffer_t *to, const um_filter_value_t *value)
{
    if (value->type == UM_FILTER_TEXT) {
        um_json_put_string(to, value->text);
    } else {
        um_buffer_puts(to, value->text);
    }
}

static inline void put_filter(um_buffer_t *to, const um_filter_t *filter, int needs_parentheses);

static inline void put_terms(um_buffer_t *to, const um_filter_t *filter, int needs_parentheses)
{
    int is_and = filter->kind == UM_FILTER_AND;

    um_buffer_puts(to, needs_parentheses ? "(" : "");
    for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
        put_filter(to, term, is_and);
        if (term->next != NULL) {
            um_buffer_puts(to, is_and ? " and " : " or ");
        }
    }
    um_buffer_puts(to, needs_parentheses ? ")" : "");
}

static inline void put_filter(um_buffer_t *to, const um_filter_t *filter, int needs_parentheses)
{
    switch (filter->kind) {
    case UM_FILTER_AND:
    case UM_FILTER_OR:
        put_terms(to, filter, needs_parentheses && filter->kind == UM_FILTER_OR);
        return;
    case UM_FILTER_NOT:
        um_buffer_puts(to, "not (");
        put_filter(to, filter->first, 0);
        um_buffer_putc(to, ')');
        return;
    case UM_FILTER_ELEMENT:
        um_buffer_puts(to, filter->path.text);
        um_buffer_putc(to, '[');
        put_filter(to, filter->first, 0);
        um_buffer_putc(to, ']');
        return;
    case UM_FILTER_PRESENT:
        um_buffer_puts(to, filter->path.text);
        um_buffer_puts(to, " pr");
        return;
    default:
        um_buffer_puts(to, filter->path.text);
        um_buffer_putc(to, ' ');
        um_buffer_puts(to, um_filter_operator(filter->operation));
        um_buffer_putc(to, ' ');
        put_value(to, &filter->value);
    }
}

/* A filter as a text in a pool. */
static inline const char *filter_text(const um_filter_t *filter, apr_pool_t *in)
{
    um_buffer_t text;

    um_buffer_init(&text, 64, in);
    put_filter(&text, filter, 0);
    return text.data;
}

#endif
