/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_path.c Indexes for lists, see list_path.h. */

#include "list_path.h"

static unsigned bits_of(const um_list_t *list)
{
    unsigned bits = 0;

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        bits |= UM_LIST_BIT(APR_ARRAY_IDX(list->conditions, i, um_condition_t).id);
    }
    return bits;
}

/* Those of the conditions that are met in one way only: they are met in the first. */
static unsigned met_in_one_way(const um_list_source_t *source, unsigned bits)
{
    for (int id = 0; id < source->condition_count; id++) {
        if (source->conditions[id].others.pieces != NULL) {
            bits &= ~UM_LIST_BIT(id);
        }
    }
    return bits;
}

static unsigned served(const um_list_path_t *path, const um_list_source_t *source,
                       um_list_way_t way)
{
    switch (way) {
    case UM_LIST_FIRST_WAY:
        return path->first;
    case UM_LIST_SECOND_WAY:
        return path->second | met_in_one_way(source, path->first);
    default:
        return path->first | path->second;
    }
}

int um_list_path_serves(const um_list_path_t *path, const um_list_source_t *source, int id,
                        um_list_way_t way)
{
    return (served(path, source, way) & UM_LIST_BIT(id)) != 0;
}

int um_list_path_find(const um_list_path_t *paths[UM_LIST_PATHS_MAX], const um_list_t *list,
                      um_list_way_t way)
{
    unsigned given = bits_of(list);
    int count = 0;

    for (int i = 0; i < list->source->path_count && count < UM_LIST_PATHS_MAX; i++) {
        const um_list_path_t *path = &list->source->paths[i];

        if ((served(path, list->source, way) & given) != 0
            && (path->needs == 0 || (path->needs & given) != 0)) {
            paths[count++] = path;
        }
    }
    return count;
}

const um_list_path_t *um_list_path_of_conditions(const um_list_t *list, um_list_way_t way)
{
    const um_list_path_t *paths[UM_LIST_PATHS_MAX];
    unsigned given = bits_of(list);
    int count = way != UM_LIST_BOTH_WAYS ? um_list_path_find(paths, list, way) : 0;

    for (int i = 0; i < count; i++) {
        if (paths[i]->index != NULL && paths[i] != um_list_path_of_keys(list)
            && (served(paths[i], list->source, way) & given) == given) {
            return paths[i];
        }
    }
    return NULL;
}

const um_list_path_t *um_list_path_of_order(const um_list_t *list)
{
    for (int i = 0; i < list->source->path_count; i++) {
        const um_list_path_t *path = &list->source->paths[i];

        if (path->needs == 0 && um_list_path_gives_order(path, list)) {
            return path;
        }
    }
    return NULL;
}

const um_list_path_t *um_list_path_of_keys(const um_list_t *list)
{
    um_list_t by_key = { .source = list->source, .order = 0 };

    return um_list_path_of_order(&by_key);
}

int um_list_path_gives_order(const um_list_path_t *path, const um_list_t *list)
{
    return (path->orders & UM_LIST_BIT(list->order)) != 0;
}

int um_list_path_is_unique(const um_list_path_t *path, const um_list_t *list)
{
    return (path->unique & bits_of(list)) != 0;
}

int um_list_path_finds_one(const um_list_t *list)
{
    for (int i = 0; i < list->source->path_count; i++) {
        if (um_list_path_is_unique(&list->source->paths[i], list)) {
            return 1;
        }
    }
    return 0;
}
