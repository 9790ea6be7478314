/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_FILTER_H
#define UM_BASE_FILTER_H

/**
 * @file filter.h
 * The filter language (RFC 7644, 3.4.2.2) as a tree, and the paths of PATCH (3.5.2). It knows
 * neither the attributes nor a database: their resolvers say which names there are.
 *
 * A tree is walked by a switch over kind, and by following first and next:
 *
 *     static int matches(const um_filter_t *filter, const thing_t *thing)
 *     {
 *         switch (filter->kind) {
 *         case UM_FILTER_AND:
 *         case UM_FILTER_OR:
 *             for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
 *                 if (matches(term, thing) != (filter->kind == UM_FILTER_AND)) {
 *                     return filter->kind == UM_FILTER_OR;
 *                 }
 *             }
 *             return filter->kind == UM_FILTER_AND;
 *         case UM_FILTER_NOT:
 *             return !matches(filter->first, thing);
 *         case UM_FILTER_ELEMENT:
 *             // Of the elements of the attribute filter->path, at least one has to match
 *             // filter->first, whose paths are of the element: type, value.
 *         case UM_FILTER_PRESENT:
 *             // filter->path has a value.
 *         case UM_FILTER_COMPARE:
 *             // filter->path, filter->operation and filter->value.
 *         }
 *     }
 *
 * The recursion is bounded: no tree has more than UM_FILTER_MAX_LEVELS nodes from its root
 * to a leaf, and none more than UM_FILTER_MAX_TERMS leaves.
 */

#include <apr_pools.h>

/** Bytes of a filter, and of a path. */
#define UM_FILTER_MAX 4096
/** How deep parentheses and brackets may be in one another. */
#define UM_FILTER_MAX_DEPTH 16
/** Comparisons that a filter may have. */
#define UM_FILTER_MAX_TERMS 64
/** Each pair of parentheses adds up to three levels to the tree (not, or, and), and the brackets
 *  of a value path up to four (the element, and, or, and). The filter itself has three with its
 *  leaf. */
#define UM_FILTER_MAX_LEVELS (3 * (UM_FILTER_MAX_DEPTH + 1) + 1)

typedef enum um_filter_kind_t {
    /** All of the terms match; there are at least two. */
    UM_FILTER_AND,
    /** One of the terms matches; there are at least two. */
    UM_FILTER_OR,
    /** Its one term does not match. */
    UM_FILTER_NOT,
    /** An element of a multi-valued attribute matches its one term: attribute[filter]. The
     *  path attribute[filter].sub eq "x" is read as attribute[filter and sub eq "x"]. No
     *  element has another one below it. */
    UM_FILTER_ELEMENT,
    /** pr */
    UM_FILTER_PRESENT,
    /** An attribute is compared with a value. */
    UM_FILTER_COMPARE
} um_filter_kind_t;

typedef enum um_filter_operation_t {
    UM_FILTER_EQ,
    UM_FILTER_NE,
    UM_FILTER_CO,
    UM_FILTER_SW,
    UM_FILTER_EW,
    UM_FILTER_GT,
    UM_FILTER_GE,
    UM_FILTER_LT,
    UM_FILTER_LE
} um_filter_operation_t;

typedef enum um_filter_type_t {
    /** "Bob" */
    UM_FILTER_TEXT,
    /** A number of JSON. */
    UM_FILTER_NUMBER,
    /** true and false, in any case, because clients send True. */
    UM_FILTER_TRUE,
    UM_FILTER_FALSE,
    /** null, in any case. It is compared by eq and ne alone. */
    UM_FILTER_NULL,
    /** Anything else without quotes, such as bob@example.com, which clients send as well. */
    UM_FILTER_TOKEN
} um_filter_type_t;

/** What an attribute is compared with. */
typedef struct um_filter_value_t {
    um_filter_type_t type;
    /** A text without its quotes and escapes, and anything else as it is written. Well-formed
     *  UTF-8. */
    const char *text;
} um_filter_value_t;

/** The name of an attribute: [schema:]attribute[.sub]. All as written: compare without case,
 *  see um_filter_same_name(). */
typedef struct um_filter_path_t {
    /** All of it. A path may be the URN of a schema alone; its last word is in attribute then. */
    const char *text;
    /** A URN, without the colon behind it; NULL if there is none. */
    const char *schema;
    /** All behind the schema: attribute.sub, or attribute. */
    const char *name;
    const char *attribute;
    /** All behind the first dot of the name; NULL if there is none. */
    const char *sub;
    /** Which character of the filter it begins with, counted from 1. */
    int position;
} um_filter_path_t;

/** A node of the tree, see the top of this file. */
typedef struct um_filter_t um_filter_t;

struct um_filter_t {
    um_filter_kind_t kind;
    /** The first of the terms of a node that has terms, NULL for a leaf. */
    um_filter_t *first;
    /** The next term of the node above, NULL for the last. */
    um_filter_t *next;
    /** Of UM_FILTER_ELEMENT, UM_FILTER_PRESENT and UM_FILTER_COMPARE. */
    um_filter_path_t path;
    /** Of UM_FILTER_COMPARE. */
    um_filter_operation_t operation;
    um_filter_value_t value;
};

/** Why a filter or a path can't be understood. */
typedef struct um_filter_error_t {
    /** A sentence with the position in it, in the pool of the call. */
    const char *detail;
    /** Which character is the first that is not understood, counted from 1. One more than there
     *  are if something is missing at the end. */
    int position;
} um_filter_error_t;

/** The path of a PATCH operation: attribute, attribute.sub, attribute[filter] or
 *  attribute[filter].sub, each with a schema's URN before it or without. */
typedef struct um_filter_target_t {
    /** Its sub is NULL if there is a filter. Its text ends where the bracket begins. */
    um_filter_path_t path;
    /** What an element must match, with paths of the element; NULL if there are no brackets. */
    const um_filter_t *filter;
    /** Behind the brackets, or as that of the path; NULL if there is none. */
    const char *sub;
} um_filter_target_t;

/**
 * Read a filter.
 * @param filter the tree, in pool
 * @param error  set if UM_EINVALID is returned
 * @param text   NUL-terminated bytes
 * @return APR_SUCCESS, or UM_EINVALID if the text is not understood or larger than a limit;
 *         an empty text is not understood
 */
apr_status_t um_filter_parse(um_filter_t **filter, um_filter_error_t *error, const char *text,
                             apr_pool_t *pool);

/**
 * Read the path of a PATCH operation.
 * @param target the path, in pool
 * @param error  set if UM_EINVALID is returned
 * @param text   NUL-terminated bytes
 * @return APR_SUCCESS or UM_EINVALID, as um_filter_parse()
 */
apr_status_t um_filter_parse_path(um_filter_target_t *target, um_filter_error_t *error,
                                  const char *text, apr_pool_t *pool);

/**
 * Refuse a filter for a reason that its resolver finds, such as an attribute that there is not.
 * @param path   the path that is wrong
 * @param reason a sentence without its full stop
 * @return UM_EINVALID
 */
apr_status_t um_filter_refuse(um_filter_error_t *error, const um_filter_path_t *path,
                              const char *reason, apr_pool_t *pool);

/** Tell whether two names of attributes or schemas are the same without the case of ASCII
 *  letters. NULL is the same as NULL alone. */
int um_filter_same_name(const char *a, const char *b);

/** How an operator is written: eq. */
const char *um_filter_operator(um_filter_operation_t operation);

#endif
