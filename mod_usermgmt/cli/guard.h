/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_GUARD_H
#define UM_CLI_GUARD_H

/**
 * @file guard.h
 * A spreadsheet takes a cell of CSV that begins with = + - @, a tab or CR for a formula. A '
 * before it is a guard: the cell is text. An import takes one ' away wherever it guards such
 * a character, so an export puts one more where a value looks guarded already.
 */

/** Tell whether a guard goes in front of a cell; is_excel has formulas guarded. */
int um_guard_is_needed(const char *cell, int is_excel);

/** The cell without its guard. */
const char *um_guard_skip(const char *cell);

#endif
