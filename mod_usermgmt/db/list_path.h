/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_LIST_PATH_H
#define UM_DB_LIST_PATH_H

/**
 * @file list_path.h
 * Paths to the rows of a list: which index finds the rows that match its conditions, and
 * which gives the rows in its order. SQLite has no statistics about how many rows match a
 * condition. So store_lists.c counts some of them and chooses a path, and the composed
 * statement names the index.
 */

#include "list.h"

/**
 * Find the paths to the rows that match a list's conditions in a way. Paths that usually
 * find fewer rows come first.
 * @param paths filled in
 * @return how many; 0 if no condition has a path
 */
int um_list_path_find(const um_list_path_t *paths[UM_LIST_PATHS_MAX], const um_list_t *list,
                      um_list_way_t way);

/** The path whose index alone tells which rows match all the list's conditions in one of the
 *  ways, so that no row is read to count them. NULL for none, and if it is the primary key. */
const um_list_path_t *um_list_path_of_conditions(const um_list_t *list, um_list_way_t way);

/** The path that reads all rows in the list's order. */
const um_list_path_t *um_list_path_of_order(const um_list_t *list);

/** The path that reads all rows in the order of their keys. */
const um_list_path_t *um_list_path_of_keys(const um_list_t *list);

/** Tell whether a path gives the rows in the list's order. */
int um_list_path_gives_order(const um_list_path_t *path, const um_list_t *list);
/** Tell whether a path finds at most one row. */
int um_list_path_is_unique(const um_list_path_t *path, const um_list_t *list);
/** Tell whether a list's conditions leave at most one row, so that nobody needs to count. */
int um_list_path_finds_one(const um_list_t *list);

/** Tell whether a path of a source finds the rows of a condition that is met in a way. */
int um_list_path_serves(const um_list_path_t *path, const um_list_source_t *source, int id,
                        um_list_way_t way);

#endif
