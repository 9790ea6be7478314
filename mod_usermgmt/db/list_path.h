/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_LIST_PATH_H
#define UM_DB_LIST_PATH_H

/**
 * @file list_path.h
 * Paths to the rows of a list: which index finds those under its conditions, and
 * which gives them in its order. SQLite keeps no statistics that tell how many rows
 * a condition leaves, so store_lists.c counts a few and chooses, and the composed
 * statement names the index.
 */

#include "list.h"

#define UM_LIST_PATHS_MAX 8

/**
 * Find the paths that lead to the rows under a list's conditions, as they are met in
 * a way. The one with the fewest rows by kind comes first.
 * @param paths filled in
 * @return how many; 0 where no condition has one
 */
int um_list_path_find(const um_list_path_t *paths[UM_LIST_PATHS_MAX], const um_list_t *list,
                      um_list_way_t way);

/** The path that goes through all rows in the list's order. */
const um_list_path_t *um_list_path_of_order(const um_list_t *list);

/** The path that goes through all rows one after the other. */
const um_list_path_t *um_list_path_of_keys(const um_list_t *list);

/** Tell whether a path gives the list's order, and whether it finds one row at most. */
int um_list_path_gives_order(const um_list_path_t *path, const um_list_t *list);
int um_list_path_is_unique(const um_list_path_t *path, const um_list_t *list);

/** Tell whether a path of a source finds the rows of a condition that is met in a way. */
int um_list_path_serves(const um_list_path_t *path, const um_list_source_t *source, int id,
                        um_list_way_t way);

#endif
