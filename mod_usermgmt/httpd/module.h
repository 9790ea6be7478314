/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_MODULE_H
#define UM_HTTPD_MODULE_H

/** @file module.h The module's record, for its configurations and its log lines. */

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

extern module AP_MODULE_DECLARE_DATA usermgmt_module;
/** Log lines of the files that include this are those of the module. */
APLOG_USE_MODULE(usermgmt);

#endif
