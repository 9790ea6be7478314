/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file guard.c Guards of cells, see guard.h. */

#include "guard.h"

#include <string.h>

#define GUARD "'"

int um_guard_is_needed(const char *cell, int is_excel)
{
    size_t guards = strspn(cell, GUARD);

    return (is_excel || guards > 0) && cell[guards] != '\0'
           && strchr("=+-@\t\r", cell[guards]) != NULL;
}

const char *um_guard_skip(const char *cell)
{
    return um_guard_is_needed(cell, 0) ? cell + 1 : cell;
}
