/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/* Preloaded, it counts the steps of SQLite's virtual machine, of all processes together, in the
 * file COUNTER: what a statement costs, on any machine and under any load. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SQLITE_STMTSTATUS_VM_STEP 4

typedef struct sqlite3_stmt sqlite3_stmt;

static unsigned long *counter;

/* By httpd's first process, whose children share the mapping. */
__attribute__((constructor)) static void open_counter(void)
{
    int file = open(COUNTER, O_RDWR);
    void *mapping = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    counter = mapping == MAP_FAILED ? NULL : mapping;
    close(file);
}

static void *find(const char *name)
{
    return dlsym(dlopen("libsqlite3.so.0", RTLD_LAZY | RTLD_NOLOAD), name);
}

int sqlite3_step(sqlite3_stmt *statement)
{
    int (*status)(sqlite3_stmt *, int,
                  int) = (int (*)(sqlite3_stmt *, int, int))find("sqlite3_stmt_status");
    int (*real)(sqlite3_stmt *) = (int (*)(sqlite3_stmt *))find("sqlite3_step");
    int result = real(statement);

    if (counter != NULL) {
        __atomic_fetch_add(counter,
                           (unsigned long)status(statement, SQLITE_STMTSTATUS_VM_STEP, 1),
                           __ATOMIC_RELAXED);
    }
    return result;
}
