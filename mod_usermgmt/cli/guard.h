/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_GUARD_H
#define UM_CLI_GUARD_H

/**
 * @file guard.h
 * A spreadsheet treats a cell of CSV that begins with = + - @, a tab or CR as a formula. A '
 * before it is a guard: the cell is text. An import removes one ' before such a character.
 * So an export adds one ' to a value that already looks guarded.
 */

/** Tell whether a cell needs a guard. With is_excel also formulas need one. */
int um_guard_is_needed(const char *cell, int is_excel);

/** The cell without its guard. */
const char *um_guard_skip(const char *cell);

#endif
