/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_sql.c The SQL of lists, see list_sql.h. */

#include "list_sql.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/text.h"
#include "../base/uid.h"
#include "filter_sql.h"
#include "list_path.h"
#include "statements.h"

/* What a composition works on: the text, and the values in its order. */
typedef struct um_composition_t {
    um_buffer_t *sql;
    apr_array_header_t *parameters;
    um_dialect_t dialect;
    const char *org_id;
    /* Whether the planner must not know the values. */
    int hides_values;
} um_composition_t;

/* Add a piece with one placeholder, and its value. */
static void add(um_composition_t *to, const char *piece, const char *parameter)
{
    const char *placeholder = to->hides_values ? strchr(piece, '%') : NULL;

    if (placeholder == NULL) {
        um_buffer_puts(to->sql, piece);
    } else {
        const char *end = strpbrk(placeholder, "sd") + 1;

        um_buffer_append(to->sql, piece, (apr_size_t)(placeholder - piece));
        um_buffer_puts(to->sql, "(SELECT ");
        um_buffer_append(to->sql, placeholder, (apr_size_t)(end - placeholder));
        um_buffer_putc(to->sql, ')');
        um_buffer_puts(to->sql, end);
    }
    APR_ARRAY_PUSH(to->parameters, const char *) = parameter;
}

/* The smallest uid made at a time (milliseconds since 1970 as text) or later. */
static const char *first_uid(const char *time, int later, apr_pool_t *pool)
{
    char *uid = apr_palloc(pool, UM_UID_LENGTH + 1);

    um_uid_first(uid, apr_strtoi64(time, NULL, 10) + later);
    return uid;
}

/* The value that a piece compares with; NULL if the piece is left out. */
static const char *fill_of(const um_piece_t *piece, const char *value, const char *key,
                           apr_pool_t *pool)
{
    switch (piece->fill) {
    case UM_FILL_PREFIX_END:
        return um_text_prefix_end(value, pool);
    case UM_FILL_KEY_END:
        return um_text_prefix_end(key, pool);
    case UM_FILL_FIRST_UID:
        return first_uid(value, 0, pool);
    case UM_FILL_NEXT_UID:
        return first_uid(value, 1, pool);
    case UM_FILL_KEY:
        return key;
    default:
        return value;
    }
}

static void add_piece(um_composition_t *to, const um_piece_t *piece, const char *value,
                      const char *key)
{
    const char *filled;

    if (piece->fill == UM_FILL_NONE) {
        um_buffer_puts(to->sql, piece->sql);
        return;
    }
    if (piece->fill == UM_FILL_ORGANIZATION) {
        add(to, piece->sql, to->org_id);
        return;
    }
    filled = fill_of(piece, value, key, to->sql->pool);
    if (filled != NULL) {
        add(to, piece->sql, filled);
    }
}

/* The order of a list in this database. */
static const um_list_order_t *order_in(const um_composition_t *to, const um_list_t *list)
{
    const um_list_order_t *order = &list->source->orders[list->order];

    return order->kept != NULL && !um_dialect_traits(to->dialect)->json->indexes_expressions
               ? order->kept
               : order;
}

static const um_piece_t *pieces_for(const um_composition_t *to, const um_pieces_t *pieces)
{
    return pieces->without_pairs != NULL && !um_dialect_traits(to->dialect)->compares_pairs
               ? pieces->without_pairs
               : pieces->pieces;
}

static void add_pieces(um_composition_t *to, const um_pieces_t *pieces, const char *value,
                       const char *key)
{
    for (const um_piece_t *piece = pieces_for(to, pieces); piece->sql != NULL; piece++) {
        add_piece(to, piece, value, key);
    }
}

static const um_pieces_t *pieces_of(const um_list_t *list, int id, um_list_way_t way)
{
    const um_list_condition_t *condition = &list->source->conditions[id];

    return way == UM_LIST_SECOND_WAY && condition->others.pieces != NULL ? &condition->others
                                                                         : &condition->pieces;
}

static const um_list_condition_t *condition_at(const um_list_t *list, int i)
{
    return &list->source->conditions[APR_ARRAY_IDX(list->conditions, i, um_condition_t).id];
}

static int has_condition(const um_list_t *list, int id)
{
    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        if (APR_ARRAY_IDX(list->conditions, i, um_condition_t).id == id) {
            return 1;
        }
    }
    return 0;
}

int um_list_sql_count_ways(const um_list_t *list)
{
    int ways = 1;

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        if (condition_at(list, i)->others.pieces != NULL) {
            ways = 2;
        }
    }
    return ways;
}

/* Tell whether a row can match the conditions in both ways. */
static int ways_overlap(const um_list_t *list)
{
    int overlap = 0;

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        overlap |= condition_at(list, i)->exclusion.pieces != NULL;
    }
    return overlap;
}

/* ---- cursors and conditions on the same column ---- */

/* The cursor that bounds a list's rows from below, or from above. */
static const um_cursor_t *cursor_of(const um_list_t *list, int from_below)
{
    return !list->descending == !from_below ? &list->before : &list->after;
}

/* Tell whether a cursor is inside a condition's bound. If it is, all rows beyond the cursor
 * match the condition. If it is not, all rows that match are beyond the cursor. */
static int is_within(const um_list_t *list, um_bound_t bound, const char *filled,
                     const um_cursor_t *cursor)
{
    apr_int64_t number = apr_strtoi64(cursor->value, NULL, 10);
    apr_int64_t limit = apr_strtoi64(filled, NULL, 10);
    int order = list->source->orders[list->order].is_integer ? (number > limit) - (number < limit)
                                                             : strcmp(cursor->value, filled);

    return bound == UM_BOUND_ABOVE ? order > 0 : bound == UM_BOUND_FROM ? order >= 0 : order < 0;
}

static const um_list_bounds_t *bounds_of(const um_list_t *list, int id, um_list_way_t way)
{
    return &list->source->conditions[id].bounds[way == UM_LIST_SECOND_WAY];
}

/* The bound that a condition's piece sets on the column ordered by. */
static um_bound_t bound_of(const um_list_t *list, int id, um_list_way_t way, int piece)
{
    const um_list_bounds_t *bounds = bounds_of(list, id, way);

    return piece < 2 && bounds->order == list->order ? bounds->bounds[piece] : UM_BOUND_NONE;
}

/* The value of the bound that a condition's piece sets on its column, and the side; NULL for
 * none. */
static const char *value_of_bound(um_bound_t *bound, const um_composition_t *to,
                                  const um_list_t *list, const um_condition_t *condition,
                                  um_list_way_t way, int number)
{
    const um_piece_t *piece = pieces_for(to, pieces_of(list, condition->id, way)) + number;

    *bound = number < 2 ? bounds_of(list, condition->id, way)->bounds[number] : UM_BOUND_NONE;
    return *bound != UM_BOUND_NONE
               ? fill_of(piece, condition->value, condition->second_value, to->sql->pool)
               : NULL;
}

/* Tell whether another condition sets a narrower bound of the same kind on the same column. Of
 * equal bounds the first counts as narrower. Only texts are compared, because no two conditions
 * bound a number from the same side. */
static int has_narrower_bound(const um_composition_t *to, const um_list_t *list,
                              const um_condition_t *condition, um_list_way_t way, int number)
{
    int column = bounds_of(list, condition->id, way)->order;
    um_bound_t bound;
    const char *mine = value_of_bound(&bound, to, list, condition, way, number);

    for (int i = 0; mine != NULL && i < list->conditions->nelts; i++) {
        const um_condition_t *other = &APR_ARRAY_IDX(list->conditions, i, um_condition_t);
        um_bound_t other_bound;
        const char *its = value_of_bound(&other_bound, to, list, other, way, number);
        int order;

        if (other == condition || its == NULL || other_bound != bound
            || bounds_of(list, other->id, way)->order != column) {
            continue;
        }
        order = bound == UM_BOUND_BELOW ? strcmp(mine, its) : strcmp(its, mine);
        if (order > 0 || (order == 0 && other < condition)) {
            return 1;
        }
    }
    return 0;
}

/* Tell whether a cursor makes a condition's piece unnecessary. */
static int cursor_implies_piece(const um_composition_t *to, const um_list_t *list,
                                const um_condition_t *condition, um_list_way_t way, int number)
{
    const um_piece_t *piece = pieces_for(to, pieces_of(list, condition->id, way)) + number;
    um_bound_t bound = bound_of(list, condition->id, way, number);
    const um_cursor_t *cursor;
    const char *filled;

    if (bound == UM_BOUND_NONE) {
        return 0;
    }
    cursor = cursor_of(list, bound != UM_BOUND_BELOW);
    filled = fill_of(piece, condition->value, condition->second_value, to->sql->pool);
    return cursor->key != NULL && filled != NULL && is_within(list, bound, filled, cursor);
}

/* Tell whether the conditions make a cursor unnecessary. */
static int conditions_imply_cursor(const um_composition_t *to, const um_list_t *list,
                                   um_list_way_t way, int from_below)
{
    const um_cursor_t *cursor = cursor_of(list, from_below);

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        const um_condition_t *condition = &APR_ARRAY_IDX(list->conditions, i, um_condition_t);
        const um_piece_t *piece = pieces_for(to, pieces_of(list, condition->id, way));

        for (int number = 0; piece[number].sql != NULL; number++) {
            um_bound_t bound = bound_of(list, condition->id, way, number);
            const char *filled;

            if (bound == UM_BOUND_NONE || (bound != UM_BOUND_BELOW) != from_below) {
                continue;
            }
            filled = fill_of(&piece[number], condition->value, condition->second_value,
                             to->sql->pool);
            if (filled != NULL && !is_within(list, bound, filled, cursor)) {
                return 1;
            }
        }
    }
    return 0;
}

/* ---- rows ---- */

/* A part of a list, and the kind of statement for it. */
typedef struct um_part_t {
    const um_list_t *list;
    const char *org_id;
    um_list_way_t way;
    /* NULL if the database chooses. */
    const um_list_path_t *path;
    /* Whether columns of the joined table are needed. */
    int has_columns;
    /* Whether it is joined elsewhere. */
    int is_joined_later;
    /* Whether the list's cursors bound it. */
    int has_cursors;
    /* In the second way: whether rows that match in the first way are left out. */
    int excludes;
    /* Use only the conditions that the path serves. */
    int is_estimate;
} um_part_t;

/* Each row of the subset with its entry. */
static void add_from_subset(um_composition_t *to, const um_part_t *part)
{
    const um_list_subset_t *subset = part->list->source->subset;

    um_buffer_puts(to->sql, subset->from);
    if (!part->is_estimate) {
        um_buffer_puts(to->sql, subset->joined);
    }
    add(to, subset->where, part->org_id);
}

/* Are the entries needed, and not the rows of the junction alone? */
static int needs_entries(const um_part_t *part)
{
    return !part->is_estimate
           && (part->has_columns || part->has_cursors || part->list->conditions->nelts > 1);
}

/* Each row of the path's junction with its entry. */
static void add_from_junction(um_composition_t *to, const um_part_t *part, const char *joined)
{
    const um_list_junction_t *junction = part->path->junction;

    um_buffer_puts(to->sql, junction->from);
    if (needs_entries(part)) {
        um_buffer_puts(to->sql, junction->joined);
        um_buffer_puts(to->sql, joined);
    }
    add(to, junction->where, part->org_id);
}

/* What is joined to the entries, as far as something is asked of it. */
static const char *joined_to(const um_part_t *part)
{
    const um_list_source_t *source = part->list->source;
    const um_list_subset_t *subset = source->subset;
    int with_subset = subset != NULL && has_condition(part->list, subset->is);

    if (part->is_estimate || part->is_joined_later) {
        return "";
    }
    if (part->path != NULL && with_subset) {
        return subset->crossed;
    }
    return part->has_columns || subset == NULL || with_subset
                   || has_condition(part->list, subset->is_not)
               ? source->joined
               : "";
}

/* The index of a path, by its name in this database. */
static const char *index_of(const um_part_t *part, const um_dialect_traits_t *traits)
{
    return traits->primary_key != NULL && part->path == um_list_path_of_keys(part->list)
               ? traits->primary_key
               : part->path->index;
}

/* The tables. SQLite takes them in the order given, and the index named. */
static void add_from(um_composition_t *to, const um_part_t *part)
{
    const um_list_source_t *source = part->list->source;
    const um_dialect_traits_t *traits = um_dialect_traits(to->dialect);

    if (part->path != NULL && part->path->junction != NULL) {
        add_from_junction(to, part, joined_to(part));
        return;
    }
    if (part->path != NULL && part->path->index == NULL) {
        add_from_subset(to, part);
        return;
    }
    um_buffer_puts(to->sql, source->from);
    if (part->path != NULL) {
        um_buffer_puts(to->sql, traits->index_before);
        um_buffer_puts(to->sql, index_of(part, traits));
        um_buffer_puts(to->sql, traits->index_after);
    }
    um_buffer_puts(to->sql, joined_to(part));
    add(to, source->where, part->org_id);
}

static int is_of_junction(const um_part_t *part, int id)
{
    return part->path != NULL && part->path->junction != NULL
           && (part->path->first & UM_LIST_BIT(id)) != 0;
}

/* A condition in one of its ways. */
static void add_condition_in(um_composition_t *to, const um_part_t *part,
                             const um_condition_t *condition, um_list_way_t way)
{
    const um_piece_t *piece = pieces_for(to, pieces_of(part->list, condition->id, way));

    if (is_of_junction(part, condition->id)) {
        add_pieces(to, &part->path->junction->pieces, condition->value, condition->second_value);
        return;
    }
    if (part->is_estimate
        && !um_list_path_serves(part->path, part->list->source, condition->id, way)) {
        return;
    }
    for (int number = 0; piece[number].sql != NULL; number++) {
        if (!has_narrower_bound(to, part->list, condition, way, number)
            && (!part->has_cursors
                || !cursor_implies_piece(to, part->list, condition, way, number))) {
            add_piece(to, &piece[number], condition->value, condition->second_value);
        }
    }
}

static void add_condition(um_composition_t *to, const um_part_t *part,
                          const um_condition_t *condition)
{
    const um_list_condition_t *kind = &part->list->source->conditions[condition->id];

    if (part->way != UM_LIST_BOTH_WAYS) {
        add_condition_in(to, part, condition, part->way);
    } else {
        add_condition_in(to, part, condition, UM_LIST_FIRST_WAY);
        if (kind->others.pieces != NULL) {
            add_condition_in(to, part, condition, UM_LIST_SECOND_WAY);
        }
    }
    if (part->way == UM_LIST_SECOND_WAY && part->excludes && kind->exclusion.pieces != NULL) {
        add_pieces(to, &kind->exclusion, condition->value, condition->second_value);
    }
}

static void add_cursor_in(um_composition_t *to, const um_part_t *part,
                          const um_list_order_t *order, int from_below)
{
    const um_cursor_t *cursor = cursor_of(part->list, from_below);
    const um_pieces_t *pieces = from_below ? &order->greater : &order->less;

    if (part->list->with_cursors) {
        pieces = from_below ? &order->at_least : &order->at_most;
    }
    if (cursor->key != NULL && !conditions_imply_cursor(to, part->list, part->way, from_below)) {
        add_pieces(to, pieces, cursor->value, cursor->key);
    }
}

static void add_cursor(um_composition_t *to, const um_part_t *part, int from_below)
{
    add_cursor_in(to, part, order_in(to, part->list), from_below);
}

static void add_filter(um_composition_t *to, const um_filter_sql_t *filter)
{
    um_buffer_puts(to->sql, filter->sql);
    apr_array_cat(to->parameters, filter->parameters);
}

/* The rows of an organization that match the conditions and the filter, between the cursors. */
static void add_rows(um_composition_t *to, const um_part_t *part)
{
    const apr_array_header_t *under = part->list->conditions;

    add_from(to, part);
    for (int i = 0; under != NULL && i < under->nelts; i++) {
        add_condition(to, part, &APR_ARRAY_IDX(under, i, um_condition_t));
    }
    if (part->list->filter != NULL && !part->is_estimate) {
        add_filter(to, part->list->filter);
    }
    if (part->has_cursors) {
        add_cursor(to, part, 1);
        add_cursor(to, part, 0);
    }
}

static void add_limit(um_composition_t *to, const um_list_t *list)
{
    add(to, " LIMIT %lld", apr_psprintf(to->sql->pool, "%" APR_INT64_T_FMT, list->limit));
}

/* How the rows of a list are sorted by an order. */
static const char *sorting_by(const um_list_order_t *order, const um_list_t *list)
{
    int descending = !list->descending != !list->backwards;

    return descending ? order->descending : order->ascending;
}

static const char *order_of(const um_composition_t *to, const um_list_t *list)
{
    return sorting_by(order_in(to, list), list);
}

static void add_order(um_composition_t *to, const um_list_t *list)
{
    um_buffer_puts(to->sql, order_of(to, list));
    add_limit(to, list);
}

/* The path to rows in one way; NULL if the database chooses. The rows of a whole organization are
 * in each of its indexes, but only one gives them in order. */
static const um_list_path_t *path_in(const um_composition_t *to, const um_list_t *list,
                                     um_list_way_t way)
{
    return um_dialect_traits(to->dialect)->estimates_ranges && list->conditions == NULL
                   && list->filter == NULL
               ? um_list_path_of_order(list)
               : list->paths[way];
}

/* Rows that match the conditions in one way. */
static um_part_t part_in(const um_composition_t *to, const um_list_t *list, const char *org_id,
                         um_list_way_t way)
{
    return (um_part_t){ .list = list,
                        .org_id = org_id,
                        .way = way,
                        .path = path_in(to, list, way),
                        .has_cursors = 1 };
}

/* The keys of the first rows that match the conditions in one way. */
static void add_keys(um_composition_t *to, const um_list_t *list, const char *org_id,
                     um_list_way_t way)
{
    um_part_t part = part_in(to, list, org_id, way);

    part.excludes = 1;
    um_buffer_puts(to->sql, "SELECT ");
    um_buffer_puts(to->sql, list->source->orders[0].column);
    um_buffer_puts(to->sql, " AS k");
    add_rows(to, &part);
    add_order(to, list);
}

/* The rows that match in either way. The first ones of them are among the first ones of each
 * way. */
static void add_from_either(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    um_buffer_puts(to->sql, list->source->from);
    um_buffer_puts(to->sql, list->source->joined);
    add(to, list->source->where, org_id);
    um_buffer_puts(to->sql, " AND ");
    um_buffer_puts(to->sql, list->source->orders[0].column);
    um_buffer_puts(to->sql, " IN (SELECT c.k FROM (SELECT * FROM (");
    add_keys(to, list, org_id, UM_LIST_FIRST_WAY);
    um_buffer_puts(to->sql, ") a UNION ALL SELECT * FROM (");
    add_keys(to, list, org_id, UM_LIST_SECOND_WAY);
    um_buffer_puts(to->sql, ") b) c)");
}

/* The first row that matches in one way. The order is that of the list, so that the rows beyond
 * the cursors are found by the same index, not gone through one by one. */
static void add_first(um_composition_t *to, const um_list_t *list, const char *org_id,
                      um_list_way_t way)
{
    um_part_t part = part_in(to, list, org_id, way);

    um_buffer_puts(to->sql, "SELECT 1");
    add_rows(to, &part);
    um_buffer_puts(to->sql, order_of(to, list));
    um_buffer_puts(to->sql, " LIMIT 1");
}

/* A row if there is one. */
static void add_existence(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    if (um_list_sql_count_ways(list) == 1) {
        add_first(to, list, org_id, UM_LIST_FIRST_WAY);
        return;
    }
    um_buffer_puts(to->sql, "SELECT * FROM (");
    add_first(to, list, org_id, UM_LIST_FIRST_WAY);
    um_buffer_puts(to->sql, ") a UNION ALL SELECT * FROM (");
    add_first(to, list, org_id, UM_LIST_SECOND_WAY);
    um_buffer_puts(to->sql, ") b LIMIT 1");
}

/* ---- counts ---- */

int um_list_sql_leaves_subset_out(const um_list_t *list)
{
    const um_list_subset_t *subset = list->source->subset;

    return subset != NULL && has_condition(list, subset->is_not)
           && !has_condition(list, subset->is);
}

/* The list without the condition that leaves the subset out. */
static void copy_with_subset(um_list_t *copy, const um_list_t *list, apr_pool_t *pool)
{
    *copy = *list;
    copy->conditions = NULL;
    for (int i = 0; i < list->conditions->nelts; i++) {
        const um_condition_t *condition = &APR_ARRAY_IDX(list->conditions, i, um_condition_t);

        if (condition->id == list->source->subset->is_not) {
            continue;
        }
        if (copy->conditions == NULL) {
            copy->conditions = apr_array_make(pool, 8, sizeof(um_condition_t));
        }
        APR_ARRAY_PUSH(copy->conditions, um_condition_t) = *condition;
    }
}

void um_list_sql_of_subset(um_list_t *subset, const um_list_t *list, apr_pool_t *pool)
{
    um_condition_t condition = { list->source->subset->is, NULL, NULL };

    copy_with_subset(subset, list, pool);
    if (subset->conditions == NULL) {
        subset->conditions = apr_array_make(pool, 1, sizeof(condition));
    }
    APR_ARRAY_PUSH(subset->conditions, um_condition_t) = condition;
}

/* The statement that counts a list, by its number; UM_LIST_NO_COUNT for none. */
static int count_of(const um_list_t *list)
{
    const um_list_subset_t *subset = list->source->subset;

    if (list->filter != NULL) {
        return UM_LIST_NO_COUNT;
    }
    if (list->conditions == NULL) {
        return list->source->count;
    }
    return list->conditions->nelts == 1 && subset != NULL && has_condition(list, subset->is)
               ? subset->count
               : UM_LIST_NO_COUNT;
}

/* The number of rows that match the conditions in a way. */
static void add_number(um_composition_t *to, const um_list_t *list, const char *org_id,
                       um_list_who_t who, um_list_way_t way)
{
    um_part_t part = {
        .list = list, .org_id = org_id, .way = way, .path = list->count_paths[who][way]
    };
    int kept = count_of(list);

    if (um_dialect_traits(to->dialect)->overlooks_indexes && list->filter == NULL) {
        part.path = um_list_path_of_conditions(list, way);
    }
    um_buffer_putc(to->sql, '(');
    if (kept != UM_LIST_NO_COUNT) {
        add(to, um_statements_sql((um_statement_id_t)kept, to->dialect), org_id);
    } else {
        um_buffer_puts(to->sql, "SELECT COUNT(*)");
        add_rows(to, &part);
    }
    um_buffer_putc(to->sql, ')');
}

/* The number in the first way, plus the number in the second, less the number in both. To leave
 * these out of the second way, the database would have to read each of its rows. */
static void add_numbers(um_composition_t *to, const um_list_t *list, const char *org_id,
                        um_list_who_t who, const char *plus, const char *minus)
{
    um_buffer_puts(to->sql, plus);
    add_number(to, list, org_id, who, UM_LIST_FIRST_WAY);
    if (um_list_sql_count_ways(list) == 2) {
        um_buffer_puts(to->sql, plus);
        add_number(to, list, org_id, who, UM_LIST_SECOND_WAY);
    }
    if (ways_overlap(list)) {
        um_buffer_puts(to->sql, minus);
        add_number(to, list, org_id, who, UM_LIST_BOTH_WAYS);
    }
}

/* The number in both ways, by the index of one of them. The other way is only a test of each row:
 * IS TRUE hides it from the planner, which must not choose the other index. */
static void add_number_by(um_composition_t *to, const um_list_t *list, const char *org_id,
                          um_list_way_t way)
{
    um_part_t part = { .list = list, .org_id = org_id, .way = way };

    um_buffer_puts(to->sql, "(SELECT COUNT(*)");
    add_rows(to, &part);
    um_buffer_puts(to->sql, " AND (TRUE");
    add_condition_in(to, &part, &APR_ARRAY_IDX(list->conditions, 0, um_condition_t),
                     way == UM_LIST_FIRST_WAY ? UM_LIST_SECOND_WAY : UM_LIST_FIRST_WAY);
    um_buffer_puts(to->sql, ") IS TRUE)");
}

/* The same count of one condition with one plan for all values: the numbers of both ways tell
 * which of them has fewer rows. OFFSET has the planner count each of these once. */
static void add_count_by_fewer(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    um_buffer_puts(to->sql, "SELECT n.a + n.b - CASE WHEN n.a = 0 OR n.b = 0 THEN 0"
                            " WHEN n.a < n.b THEN ");
    add_number_by(to, list, org_id, UM_LIST_FIRST_WAY);
    um_buffer_puts(to->sql, " ELSE ");
    add_number_by(to, list, org_id, UM_LIST_SECOND_WAY);
    um_buffer_puts(to->sql, " END FROM (SELECT ");
    add_number(to, list, org_id, UM_LIST_ALL, UM_LIST_FIRST_WAY);
    um_buffer_puts(to->sql, " AS a, ");
    add_number(to, list, org_id, UM_LIST_ALL, UM_LIST_SECOND_WAY);
    um_buffer_puts(to->sql, " AS b OFFSET 0) n");
}

/* Those outside of the subset are all, less the subset, of which there are few. */
static void add_count(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    um_list_t others;

    if (to->hides_values && ways_overlap(list)) {
        add_count_by_fewer(to, list, org_id);
        return;
    }
    um_buffer_puts(to->sql, "SELECT 0");
    if (!um_list_sql_leaves_subset_out(list)) {
        add_numbers(to, list, org_id, UM_LIST_ALL, " + ", " - ");
        return;
    }
    copy_with_subset(&others, list, to->sql->pool);
    add_numbers(to, &others, org_id, UM_LIST_ALL, " + ", " - ");
    um_list_sql_of_subset(&others, list, to->sql->pool);
    add_numbers(to, &others, org_id, UM_LIST_SUBSET, " - ", " + ");
}

static void add_estimate(um_composition_t *to, const um_list_t *list, const char *org_id,
                         um_list_way_t way)
{
    um_part_t part = {
        .list = list, .org_id = org_id, .way = way, .path = list->paths[way], .is_estimate = 1
    };

    um_buffer_puts(to->sql, "SELECT COUNT(*) FROM (SELECT 1");
    add_rows(to, &part);
    add_limit(to, list);
    um_buffer_puts(to->sql, ") n");
}

/* Columns of the one row with a key. */
static void add_entry(um_composition_t *to, const char *columns, const um_list_t *list,
                      const char *org_id)
{
    const um_list_source_t *rows = list->source;

    um_buffer_puts(to->sql, "SELECT ");
    um_buffer_puts(to->sql, columns);
    um_buffer_puts(to->sql, rows->from);
    um_buffer_puts(to->sql, rows->joined);
    add(to, rows->where, org_id);
    um_buffer_puts(to->sql, " AND ");
    um_buffer_puts(to->sql, rows->orders[0].column);
    add(to, " = %s", list->after.key);
}

/* The database reads an index up to the row, and no row before it, if the index has all columns
 * that conditions are on. */
static void add_place(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    um_part_t part = part_in(to, list, org_id, UM_LIST_FIRST_WAY);
    const um_list_source_t *source = list->source;

    um_buffer_puts(to->sql, "SELECT ");
    um_buffer_puts(to->sql, source->orders[0].column);
    um_buffer_puts(to->sql, ", ");
    um_buffer_puts(to->sql, order_in(to, list)->column);
    add_rows(to, &part);
    um_buffer_puts(to->sql, order_of(to, list));
    add(to, " LIMIT 1 OFFSET %lld",
        apr_psprintf(to->sql->pool, "%" APR_INT64_T_FMT, list->skipped));
}

int um_list_sql_orders_by_number(const um_list_t *list)
{
    return list->source->orders[list->order].is_integer;
}

int um_list_sql_keeps_count(const um_list_source_t *source)
{
    return source->count != UM_LIST_NO_COUNT;
}

/* ---- one plan for all values ---- */

/* A database that keeps the plans of prepared statements (PostgreSQL) plans with the values at
 * first. Then it compares the costs with those of a plan for any values, and keeps that plan
 * only if it is not dearer. A plan for any LIMIT reads a tenth of the table, so it is always
 * dearer, and each page is planned anew, which takes longer than to read it. So the values are
 * hidden in scalar subqueries: both plans are the same then. A constant bound tells the planner
 * that few rows are read. */

/* No page, and no piece of a stream, is longer. */
#define HIDDEN_LIMIT_MAX 1001

static int has_one_plan(const um_list_t *list, um_list_what_t what)
{
    int is_count = what == UM_LIST_COUNT;

    if (list->filter != NULL) {
        return 0;
    }
    if (is_count) {
        /* To count the rows that match in both ways, the way with fewer rows must lead, see
         * add_count_by_fewer(). */
        if (ways_overlap(list) && list->conditions->nelts > 1) {
            return 0;
        }
    } else if (what == UM_LIST_ESTIMATE || what == UM_LIST_PLACE
               || list->limit > HIDDEN_LIMIT_MAX) {
        return 0;
    }
    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        const um_list_condition_t *condition = condition_at(list, i);

        if (!condition->has_one_plan
            || (!is_count && !condition->leads_to_few
                && condition->bounds[0].order != list->order)) {
            return 0;
        }
    }
    return 1;
}

/* In one statement there is one plan for all values, or a new one each time. */
static int counts_along(const um_list_t *list, um_dialect_t dialect)
{
    return !um_dialect_traits(dialect)->keeps_plans
           || has_one_plan(list, UM_LIST_ROWS) == has_one_plan(list, UM_LIST_COUNT);
}

void um_list_sql_choose_extras(um_list_t *list, um_dialect_t dialect, int is_counted)
{
    list->extras = 0;
    if (um_dialect_traits(dialect)->needs_paths) {
        return;
    }
    if (is_counted && counts_along(list, dialect)) {
        list->extras |= UM_LIST_WITH_COUNT;
    }
    if (list->after.key != NULL) {
        list->extras |= UM_LIST_WITH_PREVIOUS;
    }
    if (list->before.key != NULL) {
        list->extras |= UM_LIST_WITH_NEXT;
    }
}

/* Are the rows all of an organization, in the order of the key? Then the rows of the subset that
 * belong to the first ones are among the first ones of the subset. */
static int subset_follows(const um_list_t *list)
{
    return list->source->subset != NULL && list->order == 0 && list->conditions == NULL;
}

/* The first rows of the subset, from its index in the same order and from the same place. If the
 * planner could choose, it would read and sort all of a small table for each page. */
static void add_subset_in_order(um_composition_t *to, const um_part_t *part)
{
    const um_list_subset_t *subset = part->list->source->subset;

    um_buffer_puts(to->sql, " LEFT JOIN (SELECT ");
    um_buffer_puts(to->sql, subset->keys->column);
    um_buffer_puts(to->sql, subset->from);
    add(to, subset->where, part->org_id);
    add_cursor_in(to, part, subset->keys, 1);
    add_cursor_in(to, part, subset->keys, 0);
    um_buffer_puts(to->sql, sorting_by(subset->keys, part->list));
    um_buffer_puts(to->sql, " LIMIT ");
    um_buffer_put_int(to->sql, HIDDEN_LIMIT_MAX);
    um_buffer_putc(to->sql, ')');
    um_buffer_puts(to->sql, strrchr(subset->from, ' '));
    um_buffer_puts(to->sql, " ON ");
    um_buffer_puts(to->sql, subset->keys->column);
    um_buffer_puts(to->sql, " = ");
    um_buffer_puts(to->sql, part->list->source->orders[0].column);
}

/* The first rows in order from an index, then what is joined to these. */
static void add_bounded_rows(um_composition_t *to, const um_part_t *part)
{
    const um_list_source_t *source = part->list->source;
    um_part_t inner = *part;

    inner.is_joined_later = 1;
    um_buffer_puts(to->sql, " FROM (SELECT *");
    if (order_in(to, part->list)->kept != NULL) {
        um_buffer_puts(to->sql, ", ");
        um_buffer_puts(to->sql, order_in(to, part->list)->column);
        um_buffer_puts(to->sql, " AS ordered");
    }
    add_rows(to, &inner);
    um_buffer_puts(to->sql, order_of(to, part->list));
    um_buffer_puts(to->sql, " LIMIT ");
    um_buffer_put_int(to->sql, HIDDEN_LIMIT_MAX);
    um_buffer_putc(to->sql, ')');
    um_buffer_puts(to->sql, strrchr(source->from, ' '));
    if (subset_follows(part->list)) {
        add_subset_in_order(to, part);
    } else {
        um_buffer_puts(to->sql, source->joined);
    }
}

/* Is there a row at a cursor of the list, or on its other side? */
static void add_beyond(um_composition_t *to, const um_list_t *list, const char *org_id,
                       um_list_extra_t extra)
{
    static const um_cursor_t none = { NULL, NULL };
    um_list_t beyond = *list;
    int is_previous = extra == UM_LIST_WITH_PREVIOUS;

    beyond.before = is_previous ? list->after : none;
    beyond.after = is_previous ? none : list->before;
    beyond.backwards = is_previous;
    beyond.with_cursors = 1;
    um_buffer_puts(to->sql, ", COALESCE((");
    add_existence(to, &beyond, org_id);
    um_buffer_puts(to->sql, "), 0)");
}

static void add_extras(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    if ((list->extras & UM_LIST_WITH_COUNT) != 0) {
        um_buffer_puts(to->sql, ", (");
        add_count(to, list, org_id);
        um_buffer_putc(to->sql, ')');
    }
    if ((list->extras & UM_LIST_WITH_PREVIOUS) != 0) {
        add_beyond(to, list, org_id, UM_LIST_WITH_PREVIOUS);
    }
    if ((list->extras & UM_LIST_WITH_NEXT) != 0) {
        add_beyond(to, list, org_id, UM_LIST_WITH_NEXT);
    }
}

static void add_list(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    um_part_t part = part_in(to, list, org_id, UM_LIST_FIRST_WAY);
    int is_bounded = to->hides_values && um_list_sql_count_ways(list) == 1;

    part.has_columns = 1;
    um_buffer_puts(to->sql, "SELECT ");
    um_buffer_puts(to->sql, list->source->columns);
    if (list->order != 0) {
        um_buffer_puts(to->sql, ", ");
        um_buffer_puts(to->sql, order_in(to, list)->column);
    }
    add_extras(to, list, org_id);
    if (um_list_sql_count_ways(list) == 2) {
        add_from_either(to, list, org_id);
    } else if (is_bounded) {
        add_bounded_rows(to, &part);
    } else {
        add_rows(to, &part);
    }
    if (is_bounded && order_in(to, list)->kept != NULL) {
        /* By the column of the inner rows, because the planner does not know that they are in the
         * order of an expression. */
        um_buffer_puts(to->sql, " ORDER BY ordered");
        um_buffer_puts(to->sql, !list->descending != !list->backwards ? " DESC" : "");
        add_limit(to, list);
    } else {
        add_order(to, list);
    }
}

void um_list_sql_compose(um_buffer_t *sql, apr_array_header_t *parameters, const um_list_t *list,
                         um_list_what_t what, const char *org_id, um_dialect_t dialect)
{
    int keeps_plans = um_dialect_traits(dialect)->keeps_plans;
    um_composition_t to = { sql, parameters, dialect, org_id,
                            keeps_plans && has_one_plan(list, what) };

    switch (what) {
    case UM_LIST_VALUE:
        add_entry(&to, order_in(&to, list)->column, list, org_id);
        break;
    case UM_LIST_ENTRY:
        add_entry(&to, list->source->columns, list, org_id);
        break;
    case UM_LIST_PLACE:
        add_place(&to, list, org_id);
        break;
    case UM_LIST_COUNT:
        add_count(&to, list, org_id);
        break;
    case UM_LIST_ESTIMATE:
        add_estimate(&to, list, org_id, list->estimated);
        break;
    case UM_LIST_EXISTS:
        add_existence(&to, list, org_id);
        break;
    default:
        add_list(&to, list, org_id);
    }
}

/* ---- samples ---- */

/* Each order is told forwards and backwards, asked for in six ways, and that
 * without conditions, with those that are met in one way, and with all. */
#define SAMPLES_PER_ORDER 36

static void add_sample_conditions(um_list_t *list, int with_others, apr_pool_t *pool)
{
    list->conditions = apr_array_make(pool, 8, sizeof(um_condition_t));
    for (int id = 0; id < list->source->condition_count; id++) {
        if (with_others || list->source->conditions[id].others.pieces == NULL) {
            APR_ARRAY_PUSH(list->conditions, um_condition_t) = (um_condition_t){ id, "1", "1" };
        }
    }
}

int um_list_sql_compose_sample(um_buffer_t *sql, const um_list_source_t *source, int number,
                               um_dialect_t dialect)
{
    apr_array_header_t *parameters = apr_array_make(sql->pool, 16, sizeof(const char *));
    um_list_t list = {
        .source = source, .after = { "1", "1" }, .before = { "1", "1" }, .limit = 1
    };

    if (number >= source->order_count * SAMPLES_PER_ORDER) {
        return 0;
    }
    list.order = number / SAMPLES_PER_ORDER;
    list.descending = number % 2;
    if (number / 12 % 3 > 0) {
        add_sample_conditions(&list, number / 12 % 3 > 1, sql->pool);
    }
    um_list_sql_choose_extras(&list, dialect, 1);
    um_list_sql_compose(sql, parameters, &list, (um_list_what_t)(number / 2 % 6), "1", dialect);
    return 1;
}
