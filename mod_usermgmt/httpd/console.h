/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONSOLE_H
#define UM_HTTPD_CONSOLE_H

/**
 * @file console.h
 * The web console: the files of the folder console/, which are a part of the module, at
 * {base}/console/ where UserMgmtConsole is On. The pages use the API as any other client.
 */

#include <httpd.h>

typedef struct um_console_file_t {
    const char *name;
    const char *text;
    apr_size_t length;
    /** HTML: links to the modules that console.js imports, or that a view needs besides; else
     * empty. */
    const char *modules;
} um_console_file_t;

/** All files; the last entry has no name. */
extern const um_console_file_t um_console_files[];

/** Answer a request for a page or a file of the console: handler, before the API's. */
int um_console_handle(request_rec *r);

#endif
