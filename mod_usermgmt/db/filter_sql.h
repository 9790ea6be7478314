/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_FILTER_SQL_H
#define UM_DB_FILTER_SQL_H

/**
 * @file filter_sql.h
 * A filter (base/filter.h) as SQL. A source of lists describes its attributes in core/filter_….c:
 * which column or which JSON has their values, and how these are compared. Values from outside
 * are always parameters of the SQL.
 *
 * No piece of the SQL is NULL, so that NOT can stand before each: an attribute without a value
 * equals nothing. `ne` is NOT of `eq`, `eq null` is NOT of `pr`.
 */

#include "../base/filter.h"
#include "../base/violation.h"
#include "list.h"

/** Where the values of an attribute are, and how they are compared. */
typedef enum um_attribute_type_t {
    /** A column of text, compared as it is. */
    UM_ATTRIBUTE_TEXT,
    /** A column of words in lower case. They have no order. */
    UM_ATTRIBUTE_WORD,
    /** A column of names as um_text_fold_name() folds them. */
    UM_ATTRIBUTE_NAME,
    /** A column with keys of addresses, see um_address_key(). */
    UM_ATTRIBUTE_ADDRESS,
    /** A column with keys of login names, see um_address_identity_key(). */
    UM_ATTRIBUTE_LOGIN,
    /** A column of milliseconds since 1970. */
    UM_ATTRIBUTE_INSTANT,
    /** A column of 0 and 1. */
    UM_ATTRIBUTE_BOOLEAN,
    /** In a document of JSON: texts. A value without quotes is a text, too. */
    UM_ATTRIBUTE_JSON_TEXT,
    /** In a document of JSON: true and false. */
    UM_ATTRIBUTE_JSON_BOOLEAN,
    /** In a document of JSON: values of any type, compared with values of the same type alone. */
    UM_ATTRIBUTE_JSON_ANY,
    /** In a document of JSON: an object, which is compared with nothing. */
    UM_ATTRIBUTE_JSON_OBJECT,
    /** It has elements with attributes of their own. */
    UM_ATTRIBUTE_ELEMENTS
} um_attribute_type_t;

typedef struct um_attribute_t um_attribute_t;

/** A member of a document of JSON as a document of its own, and what stands for it if there is
 *  none: a literal document, or the name that is derived from a column. */
typedef struct um_json_part_t {
    /** The column of the document. */
    const char *document;
    /** The name, of ASCII letters alone. */
    const char *name;
    /** Without placeholders; NULL for none. */
    const char *literal;
    const char *named;
} um_json_part_t;

/** Code points of a value of elements that an index has. */
#define UM_ELEMENT_KEY_MAX 256

/** Elements of a multi-valued attribute. */
typedef struct um_elements_t {
    /** The rows of a table: " FROM … WHERE …"; or the condition that a single element is there;
     *  or, for elements in JSON, the column of the document and the path in it. */
    const char *from;
    const char *present;
    const char *document;
    const char *path;
    /** Their attributes, ended by one without a name. */
    const um_attribute_t *attributes;
    /** The version of the schema that has them; 0 for any. */
    int since;
} um_elements_t;

/** An attribute. */
struct um_attribute_t {
    /** The URN of an extension's schema; NULL for that of the source. */
    const char *schema;
    /** With its sub-attribute, if it has a row for each. */
    const char *name;
    um_attribute_type_t type;
    /** The column, or another expression without a placeholder. For JSON the document, NULL if
     *  that is an element. */
    const char *column;
    /** The column in a database that has no indexes on expressions; NULL for the same. */
    const char *kept_column;
    /** In JSON. */
    const char *path;
    /** The document of it, in place of a column; NULL for none. */
    const um_json_part_t *member;
    /** Whether the column can be NULL. */
    int is_nullable;
    /** The version of the schema that has the column; 0 for any. */
    int since;
    /** The conditions of the source for eq and sw, by UM_ATTRIBUTE_BY(); 0 for none. They have
     *  what the source knows of indexes. For elements these compare the sub-attribute "value": of
     *  the first kind by the condition's value, of the other by its second value, both cut to
     *  UM_ELEMENT_KEY_MAX. They may be met by more rows than match. */
    int equals;
    int starts;
    /** Up to two kinds of elements. */
    const um_elements_t *elements;
    const um_elements_t *other_elements;
};

/** A condition of the source by its number, for um_attribute_t. */
#define UM_ATTRIBUTE_BY(condition) ((condition) + 1)

/** The attributes of a source of lists. */
typedef struct um_attributes_t um_attributes_t;

struct um_attributes_t {
    /** The URN of its schema. */
    const char *schema;
    /** Ended by one without a name. */
    const um_attribute_t *attributes;
    /** Custom attributes: the URN of their schema, the column of their document, and which names
     *  there can't be. */
    const char *custom_schema;
    const char *custom_document;
    const um_violation_t *(*check_custom_name)(const char *name);
};

/** A condition as SQL, which a list has to meet. */
typedef struct um_filter_sql_t um_filter_sql_t;

struct um_filter_sql_t {
    /** " AND …" */
    const char *sql;
    /** Of const char *, in the order of its placeholders. */
    const apr_array_header_t *parameters;
};

/**
 * Put a list under a filter: under conditions of its source where there are such, and under SQL
 * for the rest. Call it when the list has all its other conditions.
 * @param list   its source has attributes; gets conditions, filter and filter_since
 * @param error  set if UM_EINVALID is returned
 * @param filter as it was parsed
 * @return APR_SUCCESS; UM_EINVALID for a name that is no attribute's, an operator that the
 *         attribute has not, or a value of the wrong type
 */
apr_status_t um_filter_sql_apply(um_list_t *list, um_filter_error_t *error,
                                 const um_filter_t *filter, um_dialect_t dialect,
                                 apr_pool_t *pool);

#endif
