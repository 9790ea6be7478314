/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_LOG_MESSAGES_H
#define UM_BASE_LOG_MESSAGES_H

/**
 * @file log_messages.h
 * All messages of the error log, whichever room logs them. A call names the message and
 * gives only its values (log.h). docs/logs.md lists the same numbers, levels and texts for
 * operators; a test compares both.
 */

#include <apr.h>

/**
 * The list: X(name, number, level, text), and XX(name, number, level, lower, text) for a
 * message that is logged at one of two levels (see um_log_either()). The number has four
 * digits and is never used again for another message, also if its message is gone: the next
 * free one is the highest in docs/logs.md plus one. A level is that of um_log_level_t without
 * UM_LOG_. The text is a format of apr_vsnprintf; operators search for it, so it stays.
 */
/* clang-format off */
#define UM_LOG_MESSAGES(X, XX) \
    XX(STATEMENT_FAILED, 0001, ERR, INFO, "database: %s failed with %d: %s%s") \
    X(DRIVER_NOT_SUPPORTED, 0002, CRIT, \
      "the database driver \"%s\" is not supported; use sqlite3, pgsql or mysql") \
    X(PARAMETER_COUNT, 0003, CRIT, "database: %s takes %d parameters, %d given") \
    X(WRITER_LOCK, 0010, ERR, "writer: the lock between processes could not be had") \
    X(CHANGE_GIVEN_UP, 0011, ERR, \
      "runner: a change was given up; the lines of level info before tell why") \
    X(COMMIT_UNKNOWN, 0012, ERR, \
      "runner: the connection was lost during a commit, and whether it holds could not be " \
      "found out: audit event %s tells") \
    X(SCHEMA_UPGRADED, 0020, NOTICE, "schema: brought from version %d to %d") \
    X(SCHEMA_VERSION, 0030, CRIT, \
      "schema: the database has version %d, this module works with %d to %d; %s") \
    X(SCHEMA_NOT_UPGRADED, 0031, WARNING, \
      "schema: it could not be upgraded and stays in version %d for now") \
    X(REQUIRE_FAILED, 0040, ERR, "%s: %s \"%s\" could not be found out") \
    X(CONNECTIONS_SHORT, 0041, WARNING, \
      "%u requests have waited in vain for one of %d database connections; " \
      "UserMgmtConnections or the database is too small for the load") \
    X(MUTEX_POSIXSEM, 0043, CRIT, \
      "Mutex posixsem can't be used for %s: it stays locked when a process is killed; use " \
      "pthread or fcntl: \"Mutex pthread %s\"") \
    X(NO_SHARED_MEMORY, 0044, CRIT, "no shared memory") \
    X(POOL_NOT_STARTED, 0045, CRIT, "can't start the threads for the database") \
    X(EXPRESSION_FAILED, 0046, ERR, "an expression failed: %s") \
    X(PROVIDER_FAILED, 0047, ERR, "the authorization provider %s failed for \"%s\"") \
    X(BODY_NOT_READ, 0048, INFO, "the body could not be read") \
    X(STREAM_BROKEN, 0049, ERR, "a stream broke off") \
    X(NO_CACHE, 0053, CRIT, "no cache: the roles of callers are read at every request") \
    X(MAIL_SENT, 0060, INFO, "mail: %s for invitation %s is sent: %s") \
    X(MAIL_LATER, 0061, WARNING, \
      "mail: %s for invitation %s could not be sent, try %d: %s") \
    X(MAIL_GIVEN_UP, 0062, ERR, \
      "mail: %s for invitation %s is given up after %d tries: %s") \
    X(MAIL_DIRECTIVE, 0063, CRIT, "%s") \
    X(MAIL_NEEDS_WATCHDOG, 0064, CRIT, \
      "UserMgmtMailServer needs mod_watchdog: LoadModule watchdog_module " \
      "modules/mod_watchdog.so") \
    X(MAIL_NOT_STARTED, 0065, CRIT, "can't send mail: %s") \
    X(MAIL_DIFFERS, 0066, CRIT, \
      "%s differs from that of %s, which has the same database: mail of one would go out as " \
      "the other's; give both the same, or a database each") \
    X(NEEDS_WATCHDOG, 0070, CRIT, \
      "%s needs mod_watchdog: LoadModule watchdog_module modules/mod_watchdog.so") \
    X(SESSIONS_NO_MEMORY, 0071, CRIT, \
      "no shared memory for %" APR_SIZE_T_FMT " sessions") \
    X(SESSIONS_FULL_RESTART, 0072, NOTICE, \
      "UserMgmtSessionTable is changed by a full restart only") \
    X(SESSIONS_NO_LOCK, 0073, CRIT, "sessions are not counted") \
    X(SESSIONS_FULL, 0074, WARNING, \
      "sessions are not counted: the table is full of sessions that could not be written yet") \
    X(SESSION_NOT_COUNTED, 0075, ERR, "a session was not counted") \
    X(SESSIONS_DROPPED, 0076, NOTICE, \
      "%d sessions of virtual hosts that are not configured any more are dropped") \
    X(COUNTS_WITHOUT_WATCHDOG, 0077, INFO, \
      "mod_watchdog is not loaded: requests fold changes into counts") \
    X(COUNTS_NOT_FOLDED, 0078, NOTICE, \
      "changes were not folded into counts; it is tried again") \
    X(STREAM_ROLE_LOST, 0080, INFO, \
      "a stream was ended: its caller has lost the role that it needs") \
    X(FILE_REPLACED, 0081, ERR, \
      "database: the file %s was taken away or replaced while it was open; what was to be " \
      "written to it is refused") \
    XX(SCHEMA_TOO_OLD, 0085, WARNING, DEBUG, \
       "schema: %s needs version %d, the database has version %d; run \"usermgmtctl schema " \
       "upgrade\"") \
    X(READ_ENDED, 0086, WARNING, "database: a read was ended after %d seconds: %s") \
    X(DRIVER_NOT_INSTALLED, 0090, CRIT, \
      "apr-util has no driver \"%s\" here; is its package installed?") \
    X(DATABASE_AWAY, 0091, ERR, \
      "database: it is away, and requests are refused until it is back: %s") \
    X(DATABASE_BACK, 0092, NOTICE, \
      "database: it is back after %.1f seconds; %u requests were refused") \
    X(DATABASE_FULL, 0093, WARNING, \
      "database: no more than %d connections can be opened for now: %s") \
    X(DBD_SETTINGS_UNUSED, 0094, NOTICE, \
      "DBDMin, DBDKeep and DBDMax are about mod_dbd's connections; the number of the module's " \
      "own is UserMgmtConnections") \
    X(NO_DATABASE, 0095, CRIT, \
      "no database is named for the server %s: give \"UserMgmtDatabase DRIVER PARAMS\", or " \
      "DBDriver and DBDParams") \
    X(CHANGES_RESUMED, 0096, NOTICE, "writer: changes are made again; %u were refused") \
    X(HANDLER_NOT_IN_LOCATION, 0097, ERR, \
      "the handler usermgmt was set, but not by SetHandler usermgmt in a <Location>, so that " \
      "the base path is not known") \
    X(CALLER, 0098, DEBUG, \
      "user \"%s\", identity \"%s\", organization \"%s\", role %s %s") \
    X(KEY_REFUSED, 0107, INFO, "the API key %s%s was refused: %s") \
    X(KEYS_THROTTLED, 0108, WARNING, \
      "API keys that do not hold come too often from %s: they get a 429, good ones are accepted") \
    X(KEYS_NO_MEMORY, 0109, CRIT, "no shared memory for API keys") \
    X(STREAMS_FULL, 0110, WARNING, \
      "a stream was refused with 503, since %u are being sent; see UserMgmtMaxStreams") \
    X(STREAMS_NO_FILE, 0111, CRIT, "can't make a temporary file for UserMgmtMaxStreams") \
    X(KEYS_NO_CACHE, 0112, CRIT, "no cache: API keys are read at every request") \
    X(METRICS_NO_MEMORY, 0113, CRIT, "no shared memory for metrics: nothing is counted") \
    X(HEALTH_NO_ANSWER, 0114, WARNING, \
      "health: the database has given no answer for %d seconds") \
    X(DATABASE_PARAMS, 0115, CRIT, "%s: %s %s") \
    X(DATABASE_REFUSED, 0116, CRIT, \
      "the database is not used until the next start, requests get 503s: %s") \
    X(PRUNED, 0117, NOTICE, \
      "old data was deleted: %" APR_INT64_T_FMT " audit events, %" APR_INT64_T_FMT \
      " sessions, %" APR_INT64_T_FMT " invitations, %" APR_INT64_T_FMT " kept answers") \
    X(PRUNE_PROGRESS, 0118, INFO, \
      "old data is being deleted, so far %" APR_INT64_T_FMT " audit events, %" APR_INT64_T_FMT \
      " sessions, %" APR_INT64_T_FMT " invitations, %" APR_INT64_T_FMT " kept answers") \
    X(NOT_PRUNED, 0119, NOTICE, "old data was not deleted; it is tried again") \
    X(CALLER_REFUSED, 0120, NOTICE, \
      "a caller was refused: user \"%s\", identity \"%s\", organization \"%s\", %s%s") \
    X(LOCATION_WITHOUT_LOGIN, 0121, WARNING, \
      "<Location \"%s\"> has no AuthType, so nobody can sign in there, and callers have no " \
      "role: give AuthType and Require, or UserMgmtIdentity") \
    X(LOCATION_WITHOUT_HANDLER, 0122, WARNING, \
      "<Location \"%s\"> has %s, but no \"SetHandler usermgmt\", so httpd looks for a file " \
      "there, and answers 404") \
    X(DATABASE_NOT_USABLE, 0123, WARNING, "%s: requests will get 503s: %s") \
    X(PRUNE_WITHOUT_WATCHDOG, 0125, NOTICE, \
      "mod_watchdog is not loaded: old data is not deleted, see UserMgmtKeep") \
    X(LOG_NOT_EMPTIED, 0126, WARNING, \
      "erase: SQLite's log could not be emptied, because somebody reads; what was erased is in " \
      "it until it is written over") \
    X(FILTER_ENDED, 0130, INFO, "database: a filter was ended after %d ms: %s") \
    X(LISTS_NO_MEMORY, 0145, CRIT, "no shared memory for lists")
/* clang-format on */

#endif
