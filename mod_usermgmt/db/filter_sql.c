/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file filter_sql.c Filters as SQL, see filter_sql.h. */

#include "filter_sql.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "../base/address.h"
#include "../base/buffer.h"
#include "../base/instant.h"
#include "../base/json.h"
#include "../base/status.h"
#include "../base/text.h"

/* The first character of the key of a login name that is no address. */
#define NO_ADDRESS ':'

/* The sub-attribute that elements are compared by. */
#define VALUE "value"

#define ALWAYS "1 = 1"
#define NEVER "1 = 0"

typedef struct um_writing_t {
    um_buffer_t sql;
    /* Of const char *. */
    apr_array_header_t *parameters;
    const um_attributes_t *all;
    const um_json_sql_t *json;
    /* How many NOTs there are around the piece that is written. */
    int negations;
    /* The version of the schema that all columns so far need. */
    int since;
    um_filter_error_t *error;
    apr_pool_t *pool;
} um_writing_t;

/* What the names of attributes are looked up in: a source, or elements. */
typedef struct um_scope_t {
    const um_attribute_t *attributes;
    /* Names that the other elements of the attribute have: these here have no value then. */
    const um_attribute_t *others;
    /* Of elements in JSON. */
    const char *document;
    int is_source;
} um_scope_t;

static apr_status_t refuse(um_writing_t *to, const um_filter_path_t *path, const char *reason)
{
    return um_filter_refuse(to->error, path, reason, to->pool);
}

static void put(um_writing_t *to, const char *sql)
{
    um_buffer_puts(&to->sql, sql);
}

static void put_parameter(um_writing_t *to, const char *value)
{
    APR_ARRAY_PUSH(to->parameters, const char *) = value;
}

/* Write a template, see um_json_sql_t. */
static void put_template(um_writing_t *to, const char *template, const char *expression,
                         const char *operator, const char * value)
{
    for (; *template != '\0'; template ++) {
        if (*template == '@') {
            put(to, expression);
        } else if (*template == '?') {
            put(to, operator);
        } else {
            if (*template == '%') {
                put_parameter(to, value);
            }
            um_buffer_putc(&to->sql, *template);
        }
    }
}

static void need_version(um_writing_t *to, int since)
{
    to->since = since > to->since ? since : to->since;
}

/* ---- names ---- */

static const um_attribute_t *find_in(const um_attribute_t *attributes, const char *schema,
                                     const char *name)
{
    for (; attributes != NULL && attributes->name != NULL; attributes++) {
        if (um_filter_same_name(attributes->schema, schema)
            && um_filter_same_name(attributes->name, name)) {
            return attributes;
        }
    }
    return NULL;
}

/* The attribute with a name, or the multi-valued one that has its sub-attribute. */
static const um_attribute_t *find_named(const um_scope_t *scope, const char *schema,
                                        const um_filter_path_t *path)
{
    const um_attribute_t *found = find_in(scope->attributes, schema, path->name);

    if (found == NULL && path->sub != NULL) {
        found = find_in(scope->attributes, schema, path->attribute);
        found = found != NULL && found->type == UM_ATTRIBUTE_ELEMENTS ? found : NULL;
    }
    return found;
}

static apr_status_t make_custom(const um_attribute_t **made, um_writing_t *to,
                                const um_filter_path_t *path)
{
    um_attribute_t *custom;

    if (to->all->check_custom_name == NULL || to->all->check_custom_name(path->name) != NULL) {
        return refuse(to, path, "There is no attribute with this name");
    }
    custom = apr_pcalloc(to->pool, sizeof(*custom));
    custom->type = UM_ATTRIBUTE_JSON_ANY;
    custom->column = to->all->custom_document;
    /* No name has a character that would end the quotes. */
    custom->path = apr_pstrcat(to->pool, "$.\"", path->name, "\"", NULL);
    *made = custom;
    return APR_SUCCESS;
}

/* Is a sub-attribute missing? Then the name is not that of a custom attribute with a dot. */
static int lacks_sub(const um_scope_t *scope, const um_filter_path_t *path)
{
    apr_size_t length = strlen(path->attribute);

    for (const um_attribute_t *known = scope->attributes; known->name != NULL; known++) {
        if (path->sub != NULL && known->schema == NULL
            && apr_cstr_casecmpn(known->name, path->attribute, length) == 0
            && (known->name[length] == '\0' || known->name[length] == '.')) {
            return 1;
        }
    }
    return 0;
}

/* Find an attribute of a source. *found is a custom attribute if no other has the name. */
static apr_status_t find_attribute(const um_attribute_t **found, um_writing_t *to,
                                   const um_scope_t *scope, const um_filter_path_t *path)
{
    const char *schema = path->schema;

    if (schema != NULL && um_filter_same_name(schema, to->all->custom_schema)) {
        return make_custom(found, to, path);
    }
    *found = find_named(scope, um_filter_same_name(schema, to->all->schema) ? NULL : schema,
                        path);
    if (*found != NULL) {
        need_version(to, (*found)->since);
        return APR_SUCCESS;
    }
    return schema == NULL && !lacks_sub(scope, path)
               ? make_custom(found, to, path)
               : refuse(to, path, "There is no attribute with this name");
}

/* Find an attribute of an element; NULL if the element has no value of it. */
static apr_status_t find_of_element(const um_attribute_t **found, um_writing_t *to,
                                    const um_scope_t *scope, const um_filter_path_t *path)
{
    *found = find_in(scope->attributes, path->schema, path->name);
    if (*found == NULL && find_in(scope->others, path->schema, path->name) == NULL) {
        return refuse(to, path, "The elements have no attribute with this name");
    }
    return APR_SUCCESS;
}

/* ---- values ---- */

static const char *column_of(const um_writing_t *to, const um_attribute_t *attribute)
{
    return attribute->kept_column != NULL && !to->json->indexes_expressions
               ? attribute->kept_column
               : attribute->column;
}

/* A text as the column of an attribute has it. */
static const char *fold(const um_writing_t *to, const um_attribute_t *attribute,
                        um_filter_operation_t operation, const char *text)
{
    switch (attribute->type) {
    case UM_ATTRIBUTE_NAME:
        return um_text_fold_name(text, to->pool);
    case UM_ATTRIBUTE_ADDRESS:
    case UM_ATTRIBUTE_LOGIN:
        return operation == UM_FILTER_EQ ? um_address_identity_key(text, to->pool)
                                         : um_address_key_prefix(text, to->pool);
    case UM_ATTRIBUTE_WORD:
    case UM_ATTRIBUTE_JSON_TEXT:
    case UM_ATTRIBUTE_JSON_ANY:
        return um_text_lower_ascii(text, to->pool);
    default:
        return text;
    }
}

static const char *symbol_of(um_filter_operation_t operation)
{
    switch (operation) {
    case UM_FILTER_GT:
        return ">";
    case UM_FILTER_GE:
        return ">=";
    case UM_FILTER_LT:
        return "<";
    case UM_FILTER_LE:
        return "<=";
    default:
        return "=";
    }
}

static int is_substring(um_filter_operation_t operation)
{
    return operation == UM_FILTER_CO || operation == UM_FILTER_SW || operation == UM_FILTER_EW;
}

static int is_order(um_filter_operation_t operation)
{
    return operation == UM_FILTER_GT || operation == UM_FILTER_GE || operation == UM_FILTER_LT
           || operation == UM_FILTER_LE;
}

/* Does a text begin with a value? As a range, which an index serves. */
static void put_range(um_writing_t *to, const char *expression, const char *value)
{
    const char *end = um_text_prefix_end(value, to->pool);

    put_template(to, "@ >= %s", expression, NULL, value);
    if (end != NULL) {
        put_template(to, " AND @ < %s", expression, NULL, end);
    }
}

static void put_text(um_writing_t *to, const char *expression, um_filter_operation_t operation,
                     const char *value)
{
    /* All texts have the empty one in them. The databases differ about where. */
    if (*value == '\0' && is_substring(operation)) {
        put_template(to, "@ = @", expression, NULL, NULL);
        return;
    }
    switch (operation) {
    case UM_FILTER_CO:
        put_template(to, to->json->contains, expression, NULL, value);
        break;
    case UM_FILTER_SW:
        put_range(to, expression, value);
        break;
    case UM_FILTER_EW:
        put_template(to, to->json->ends, expression, NULL, value);
        break;
    default:
        put_template(to, "@ ? %s", expression, symbol_of(operation), value);
    }
}

/* Does a login name begin with a text? The keys of those that are no addresses are marked. */
static void put_login_range(um_writing_t *to, const char *key, const char *prefix,
                            const char *text)
{
    const char *marked = apr_psprintf(to->pool, "%c%s", NO_ADDRESS,
                                      um_text_lower_ascii(text, to->pool));

    if (prefix[0] != NO_ADDRESS) {
        put_range(to, key, prefix);
        put(to, " OR ");
    }
    put_range(to, key, marked);
}

/* Compare the keys of addresses with one text, and those of other names with another. */
static void put_login_parts(um_writing_t *to, const char *key, um_filter_operation_t operation,
                            const char *value, const char *text)
{
    const char *name = apr_pstrcat(to->pool, "substr(", key, ", 2)", NULL);

    put_template(to, "CASE WHEN substr(@, 1, 1) = ':' THEN ", key, NULL, NULL);
    put_text(to, name, operation, um_text_lower_ascii(text, to->pool));
    put(to, " ELSE ");
    put_text(to, key, operation, value);
    put(to, " END");
}

static void put_login(um_writing_t *to, const char *key, um_filter_operation_t operation,
                      const char *value, const char *text)
{
    if (operation == UM_FILTER_EQ) {
        put_text(to, key, operation, value);
    } else if (operation == UM_FILTER_SW && *text != '\0') {
        put_login_range(to, key, value, text);
    } else {
        put_login_parts(to, key, operation, value, text);
    }
}

static void put_word(um_writing_t *to, const char *column, um_filter_operation_t operation,
                     const char *value)
{
    if (operation == UM_FILTER_SW && *value != '\0') {
        put_template(to, to->json->begins, column, NULL, value);
    } else {
        put_text(to, column, operation, value);
    }
}

static apr_status_t put_text_column(um_writing_t *to, const um_attribute_t *attribute,
                                    const um_filter_t *term)
{
    const char *column = column_of(to, attribute);
    const char *value = fold(to, attribute, term->operation, term->value.text);
    int can_be_null = attribute->is_nullable && to->negations > 0;

    if (attribute->type == UM_ATTRIBUTE_WORD && is_order(term->operation)) {
        return refuse(to, &term->path, "This attribute has no order");
    }
    put(to, "(");
    if (attribute->type == UM_ATTRIBUTE_LOGIN) {
        put_login(to, column, term->operation, value, term->value.text);
    } else if (attribute->type == UM_ATTRIBUTE_WORD) {
        put_word(to, column, term->operation, value);
    } else {
        put_text(to, column, term->operation, value);
    }
    put(to, can_be_null ? ") IS TRUE" : ")");
    return APR_SUCCESS;
}

static apr_status_t put_instant(um_writing_t *to, const um_attribute_t *attribute,
                                const um_filter_t *term)
{
    um_filter_operation_t operation = term->operation;
    apr_int64_t below = 0;
    apr_int64_t above = 0;
    apr_int64_t bound;

    if (is_substring(operation)) {
        return refuse(to, &term->path, "An instant has no parts: use eq, ne, gt, ge, lt or le");
    }
    if (!um_instant_parse(&below, term->value.text)
        || !um_instant_parse_up(&above, term->value.text)) {
        return refuse(to, &term->path,
                      "This attribute is compared with an RFC 3339 date-time alone");
    }
    /* The column has whole milliseconds; the value may lie between two. */
    if (operation == UM_FILTER_EQ && below != above) {
        put(to, NEVER);
        return APR_SUCCESS;
    }
    bound = operation == UM_FILTER_GE || operation == UM_FILTER_LT ? above : below;
    put_template(to, "@ ? %lld", column_of(to, attribute), symbol_of(operation),
                 apr_psprintf(to->pool, "%" APR_INT64_T_FMT, bound));
    return APR_SUCCESS;
}

/* Read true or false, also as a text, because clients send that. */
static apr_status_t read_truth(int *truth, um_writing_t *to, const um_filter_t *term)
{
    const char *text = term->value.text;

    if (term->operation != UM_FILTER_EQ) {
        return refuse(to, &term->path, "true and false are compared by eq and ne alone");
    }
    *truth = apr_cstr_casecmp(text, "true") == 0;
    return *truth || apr_cstr_casecmp(text, "false") == 0
               ? APR_SUCCESS
               : refuse(to, &term->path, "This attribute is compared with true or false alone");
}

static apr_status_t put_boolean(um_writing_t *to, const um_attribute_t *attribute,
                                const um_filter_t *term)
{
    int truth = 0;
    apr_status_t status = read_truth(&truth, to, term);

    if (status == APR_SUCCESS) {
        put_template(to, truth ? "@ = 1" : "@ = 0", column_of(to, attribute), NULL, NULL);
    }
    return status;
}

/* ---- JSON ---- */

/* A template as a text of its own. It has no placeholder. */
static const char *expand(const um_writing_t *to, const char *template, const char *expression,
                          const char *name)
{
    um_writing_t text = { .pool = to->pool };

    um_buffer_init(&text.sql, 256, to->pool);
    put_template(&text, template, expression, name, NULL);
    return text.sql.data;
}

/* A member as a document, or what stands for it. */
static const char *document_of(const um_writing_t *to, const um_json_part_t *member)
{
    const char *fallback = member->named != NULL
                               ? expand(to, to->json->named, member->named, NULL)
                               : member->literal;

    return apr_pstrcat(to->pool, "COALESCE(",
                       expand(to, to->json->member, member->document, member->name), ", ",
                       fallback, ")", NULL);
}

/* Begin a condition on one of the values of an attribute. */
static void begin_values(um_writing_t *to, const um_scope_t *scope,
                         const um_attribute_t *attribute)
{
    const char *document = attribute->member != NULL   ? document_of(to, attribute->member)
                           : attribute->column != NULL ? attribute->column
                                                       : scope->document;

    put(to, "EXISTS (SELECT 1 FROM ");
    put_template(to, to->json->rows, document, NULL, attribute->path);
    put(to, " AS e");
    put(to, to->json->row_columns);
    put(to, " WHERE ");
}

static void put_json_text(um_writing_t *to, const um_attribute_t *attribute,
                          const um_filter_t *term)
{
    put(to, to->json->is_text);
    put(to, " AND ");
    put_text(to, to->json->text, term->operation,
             fold(to, attribute, term->operation, term->value.text));
}

static apr_status_t put_json_truth(um_writing_t *to, const um_filter_t *term)
{
    int truth = 0;
    apr_status_t status = read_truth(&truth, to, term);

    if (status == APR_SUCCESS) {
        put_template(to, to->json->is_truth, NULL, NULL, truth ? "true" : "false");
    }
    return status;
}

/* A number as it is stored, so that the same number has the same text. */
static const char *rewrite_number(const char *text, apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *number;
    um_buffer_t buffer;

    um_buffer_init(&buffer, 32, pool);
    if (um_json_parse(&number, &error, text, strlen(text), pool) == APR_SUCCESS) {
        um_json_put_value(&buffer, number);
    }
    return buffer.data;
}

static apr_status_t put_json_number(um_writing_t *to, const um_filter_t *term)
{
    const char *number = rewrite_number(term->value.text, to->pool);
    int is_integer = strpbrk(number, ".eE") == NULL;

    if (is_substring(term->operation)) {
        return refuse(to, &term->path, "A number has no parts: use eq, ne, gt, ge, lt or le");
    }
    put(to, to->json->is_number);
    put(to, " AND ");
    put_template(to, is_integer ? to->json->integer : to->json->number, NULL,
                 symbol_of(term->operation), number);
    return APR_SUCCESS;
}

static apr_status_t put_json_any(um_writing_t *to, const um_attribute_t *attribute,
                                 const um_filter_t *term)
{
    switch (term->value.type) {
    case UM_FILTER_TRUE:
    case UM_FILTER_FALSE:
        return put_json_truth(to, term);
    case UM_FILTER_NUMBER:
        return put_json_number(to, term);
    default:
        put_json_text(to, attribute, term);
        return APR_SUCCESS;
    }
}

static apr_status_t put_json(um_writing_t *to, const um_scope_t *scope,
                             const um_attribute_t *attribute, const um_filter_t *term)
{
    apr_status_t status = APR_SUCCESS;

    begin_values(to, scope, attribute);
    switch (attribute->type) {
    case UM_ATTRIBUTE_JSON_TEXT:
        put_json_text(to, attribute, term);
        break;
    case UM_ATTRIBUTE_JSON_BOOLEAN:
        status = put_json_truth(to, term);
        break;
    case UM_ATTRIBUTE_JSON_ANY:
        status = put_json_any(to, attribute, term);
        break;
    default:
        return refuse(to, &term->path, "This attribute has only pr: compare its sub-attributes");
    }
    put(to, ")");
    return status;
}

static int is_in_json(const um_attribute_t *attribute)
{
    return attribute->type == UM_ATTRIBUTE_JSON_TEXT
           || attribute->type == UM_ATTRIBUTE_JSON_BOOLEAN
           || attribute->type == UM_ATTRIBUTE_JSON_ANY
           || attribute->type == UM_ATTRIBUTE_JSON_OBJECT;
}

/* ---- terms ---- */

static void put_presence(um_writing_t *to, const um_scope_t *scope,
                         const um_attribute_t *attribute)
{
    if (is_in_json(attribute)) {
        begin_values(to, scope, attribute);
        put(to, to->json->is_present);
        put(to, ")");
    } else if (attribute->is_nullable) {
        put_template(to, "@ IS NOT NULL", column_of(to, attribute), NULL, NULL);
    } else {
        put(to, ALWAYS);
    }
}

static apr_status_t put_value(um_writing_t *to, const um_scope_t *scope,
                              const um_attribute_t *attribute, const um_filter_t *term)
{
    if (term->kind == UM_FILTER_PRESENT) {
        put_presence(to, scope, attribute);
        return APR_SUCCESS;
    }
    if (is_in_json(attribute)) {
        return put_json(to, scope, attribute, term);
    }
    switch (attribute->type) {
    case UM_ATTRIBUTE_INSTANT:
        return put_instant(to, attribute, term);
    case UM_ATTRIBUTE_BOOLEAN:
        return put_boolean(to, attribute, term);
    default:
        return put_text_column(to, attribute, term);
    }
}

static apr_status_t put_filter(um_writing_t *to, const um_scope_t *scope,
                               const um_filter_t *filter);

/* Elements of one kind, of which one has to match; any if filter is NULL. */
static apr_status_t put_elements_of(um_writing_t *to, const um_elements_t *elements,
                                    const um_elements_t *others, const um_filter_t *filter)
{
    um_scope_t scope = { .attributes = elements->attributes,
                         .others = others != NULL ? others->attributes : NULL,
                         .document = to->json->element };
    apr_status_t status = APR_SUCCESS;

    need_version(to, elements->since);
    if (elements->from != NULL) {
        put(to, "EXISTS (SELECT 1");
        put(to, elements->from);
    } else if (elements->present != NULL) {
        put(to, "(");
        put(to, elements->present);
    } else {
        put(to, "EXISTS (SELECT 1 FROM ");
        put_template(to, to->json->rows, elements->document, NULL, elements->path);
        put(to, " AS m");
        put(to, to->json->row_columns);
        put(to, " WHERE ");
        put(to, to->json->is_object);
    }
    if (filter != NULL) {
        put(to, " AND ");
        status = put_filter(to, &scope, filter);
    }
    put(to, ")");
    return status;
}

static apr_status_t put_elements(um_writing_t *to, const um_attribute_t *attribute,
                                 const um_filter_t *filter)
{
    apr_status_t status;

    put(to, "(");
    status = put_elements_of(to, attribute->elements, attribute->other_elements, filter);
    if (status == APR_SUCCESS && attribute->other_elements != NULL) {
        put(to, " OR ");
        status = put_elements_of(to, attribute->other_elements, attribute->elements, filter);
    }
    put(to, ")");
    return status;
}

/* A comparison with a multi-valued attribute is one with its sub-attribute, or else its value. */
static apr_status_t put_in_elements(um_writing_t *to, const um_attribute_t *attribute,
                                    const um_filter_t *term)
{
    um_filter_t inner = *term;

    if (term->kind == UM_FILTER_PRESENT && term->path.sub == NULL) {
        return put_elements(to, attribute, NULL);
    }
    inner.path.schema = NULL;
    inner.path.name = term->path.sub != NULL ? term->path.sub : VALUE;
    inner.path.attribute = inner.path.name;
    inner.path.sub = NULL;
    inner.next = NULL;
    return put_elements(to, attribute, &inner);
}

static apr_status_t put_term(um_writing_t *to, const um_scope_t *scope, const um_filter_t *term)
{
    const um_attribute_t *attribute = NULL;
    apr_status_t status = scope->is_source ? find_attribute(&attribute, to, scope, &term->path)
                                           : find_of_element(&attribute, to, scope, &term->path);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (attribute == NULL) {
        put(to, NEVER);
        return APR_SUCCESS;
    }
    return attribute->type == UM_ATTRIBUTE_ELEMENTS ? put_in_elements(to, attribute, term)
                                                    : put_value(to, scope, attribute, term);
}

static apr_status_t put_not(um_writing_t *to, const um_scope_t *scope, const um_filter_t *filter)
{
    apr_status_t status;

    put(to, "NOT (");
    to->negations++;
    status = put_filter(to, scope, filter);
    to->negations--;
    put(to, ")");
    return status;
}

/* What is not the same is NOT the same; what is null is NOT present. */
static apr_status_t put_comparison(um_writing_t *to, const um_scope_t *scope,
                                   const um_filter_t *term)
{
    um_filter_t positive = *term;
    int is_negative = term->operation == UM_FILTER_NE;

    positive.operation = is_negative ? UM_FILTER_EQ : term->operation;
    if (term->value.type == UM_FILTER_NULL) {
        positive.kind = UM_FILTER_PRESENT;
        is_negative = !is_negative;
    }
    return is_negative ? put_not(to, scope, &positive) : put_term(to, scope, &positive);
}

static apr_status_t put_terms(um_writing_t *to, const um_scope_t *scope,
                              const um_filter_t *filter, const char *joint)
{
    apr_status_t status = APR_SUCCESS;

    put(to, "(");
    for (const um_filter_t *term = filter->first; status == APR_SUCCESS && term != NULL;
         term = term->next) {
        status = put_filter(to, scope, term);
        put(to, term->next != NULL ? joint : ")");
    }
    return status;
}

static apr_status_t put_element(um_writing_t *to, const um_scope_t *scope,
                                const um_filter_t *filter)
{
    const um_attribute_t *attribute = NULL;
    apr_status_t status = find_attribute(&attribute, to, scope, &filter->path);

    if (status == APR_SUCCESS && attribute->type != UM_ATTRIBUTE_ELEMENTS) {
        status = refuse(to, &filter->path, "This attribute has no elements");
    }
    return status == APR_SUCCESS ? put_elements(to, attribute, filter->first) : status;
}

static apr_status_t put_filter(um_writing_t *to, const um_scope_t *scope,
                               const um_filter_t *filter)
{
    switch (filter->kind) {
    case UM_FILTER_AND:
        return put_terms(to, scope, filter, " AND ");
    case UM_FILTER_OR:
        return put_terms(to, scope, filter, " OR ");
    case UM_FILTER_NOT:
        return put_not(to, scope, filter->first);
    case UM_FILTER_ELEMENT:
        return put_element(to, scope, filter);
    case UM_FILTER_PRESENT:
        return put_term(to, scope, filter);
    default:
        return put_comparison(to, scope, filter);
    }
}

/* ---- conditions ---- */

static int has_two_ways(const um_list_t *list)
{
    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        int id = APR_ARRAY_IDX(list->conditions, i, um_condition_t).id;

        if (list->source->conditions[id].others.pieces != NULL) {
            return 1;
        }
    }
    return 0;
}

/* Is it a comparison that an index may serve? */
static int is_served(const um_filter_t *term)
{
    return term->kind == UM_FILTER_COMPARE && term->value.type != UM_FILTER_NULL
           && (term->operation == UM_FILTER_EQ
               || (term->operation == UM_FILTER_SW && term->value.text[0] != '\0'));
}

/* The attribute of a term, and the number of its condition; 0 if there is none. */
static int find_number(const um_attribute_t **attribute, um_writing_t *to,
                       const um_filter_path_t *path, um_filter_operation_t operation)
{
    um_scope_t scope = { .attributes = to->all->attributes, .is_source = 1 };

    if (find_attribute(attribute, to, &scope, path) != APR_SUCCESS) {
        return 0;
    }
    return operation == UM_FILTER_EQ ? (*attribute)->equals : (*attribute)->starts;
}

/* The condition of the source for a comparison, and its values. 0 if there is none. */
static int find_condition(um_condition_t *condition, um_writing_t *to, const um_list_t *list,
                          const um_filter_t *term)
{
    const um_attribute_t *attribute = NULL;
    int number = is_served(term) ? find_number(&attribute, to, &term->path, term->operation) : 0;

    if (number == 0 || attribute->type == UM_ATTRIBUTE_ELEMENTS) {
        return 0;
    }
    condition->id = number - 1;
    condition->value = fold(to, attribute, term->operation, term->value.text);
    condition->second_value = NULL;
    if (list->source->conditions[condition->id].others.pieces != NULL) {
        condition->second_value = apr_psprintf(to->pool, "%c%s", NO_ADDRESS,
                                               um_text_lower_ascii(term->value.text, to->pool));
        return condition->value[0] != NO_ADDRESS && !has_two_ways(list);
    }
    return 1;
}

static void add_condition(um_writing_t *to, um_list_t *list, const um_condition_t *condition)
{
    if (list->conditions == NULL) {
        list->conditions = apr_array_make(to->pool, 8, sizeof(*condition));
    }
    APR_ARRAY_PUSH(list->conditions, um_condition_t) = *condition;
}

/* Put the list under a condition of its source for a term, if there is one. */
static int take_condition(um_writing_t *to, um_list_t *list, const um_filter_t *term)
{
    um_condition_t condition;

    if (!find_condition(&condition, to, list, term)) {
        return 0;
    }
    add_condition(to, list, &condition);
    return 1;
}

static int is_of_value(const um_filter_t *term, const char *name)
{
    return is_served(term) && (name == NULL || um_filter_same_name(name, VALUE));
}

/* A comparison of the value of elements, which a term needs to match; NULL if there is none. */
static const um_filter_t *find_value(const um_filter_t *term)
{
    const um_filter_t *inner = term->kind == UM_FILTER_ELEMENT ? term->first : NULL;

    if (inner == NULL) {
        return is_of_value(term, term->path.sub) ? term : NULL;
    }
    inner = inner->kind == UM_FILTER_AND ? inner->first : inner;
    while (inner != NULL && !is_of_value(inner, inner->path.name)) {
        inner = inner->next;
    }
    return inner;
}

/* The value of elements of one kind, as far as the index has it. */
static const char *fold_value(const um_writing_t *to, const um_elements_t *elements,
                              const um_filter_t *term)
{
    return um_text_cut(fold(to, find_in(elements->attributes, NULL, VALUE), term->operation,
                            term->value.text),
                       UM_ELEMENT_KEY_MAX, to->pool);
}

/* If elements have to have a value that an index finds: put the list under the condition of its
 * source that finds all of them. It may find more, so the term itself is needed, too. */
static void narrow(um_writing_t *to, um_list_t *list, const um_filter_t *term)
{
    const um_filter_t *value = find_value(term);
    const um_attribute_t *attribute = NULL;
    int number = value != NULL ? find_number(&attribute, to, &term->path, value->operation) : 0;
    um_condition_t condition;

    if (number != 0 && attribute->type == UM_ATTRIBUTE_ELEMENTS) {
        condition.id = number - 1;
        condition.value = fold_value(to, attribute->elements, value);
        condition.second_value = fold_value(to, attribute->other_elements, value);
        add_condition(to, list, &condition);
    }
}

apr_status_t um_filter_sql_apply(um_list_t *list, um_filter_error_t *error,
                                 const um_filter_t *filter, um_dialect_t dialect,
                                 apr_pool_t *pool)
{
    um_writing_t to = { .parameters = apr_array_make(pool, 16, sizeof(const char *)),
                        .all = list->source->attributes,
                        .json = um_dialect_traits(dialect)->json,
                        .error = error,
                        .pool = pool };
    um_scope_t scope = { .attributes = to.all->attributes, .is_source = 1 };
    const um_filter_t *term = filter->kind == UM_FILTER_AND ? filter->first : filter;
    apr_status_t status = APR_SUCCESS;
    um_filter_sql_t *sql;

    um_buffer_init(&to.sql, 256, pool);
    for (; status == APR_SUCCESS && term != NULL; term = term->next) {
        if (!take_condition(&to, list, term)) {
            narrow(&to, list, term);
            put(&to, " AND ");
            status = put_filter(&to, &scope, term);
        }
    }
    list->filter_since = to.since;
    if (status == APR_SUCCESS && to.sql.length > 0) {
        sql = apr_palloc(pool, sizeof(*sql));
        sql->sql = to.sql.data;
        sql->parameters = to.parameters;
        list->filter = sql;
    }
    return status;
}
