/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/* Preloaded, it makes each read of SQLite's that counts rows take its time, so that a
 * small database is as busy as a large one. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

typedef struct sqlite3_stmt sqlite3_stmt;

static void *find(const char *name)
{
    return dlsym(dlopen("libsqlite3.so.0", RTLD_LAZY | RTLD_NOLOAD), name);
}

int sqlite3_step(sqlite3_stmt *statement)
{
    const char *(*text)(sqlite3_stmt *) = (const char *(*)(sqlite3_stmt *))find("sqlite3_sql");
    int (*is_busy)(sqlite3_stmt *) = (int (*)(sqlite3_stmt *))find("sqlite3_stmt_busy");
    int (*real)(sqlite3_stmt *) = (int (*)(sqlite3_stmt *))find("sqlite3_step");

    if (text(statement) != NULL && strstr(text(statement), "COUNT(*) FROM users") != NULL
        && !is_busy(statement)) {
        usleep(700 * 1000);
    }
    return real(statement);
}
