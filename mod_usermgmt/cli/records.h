/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_RECORDS_H
#define UM_CLI_RECORDS_H

/**
 * @file records.h
 * The users of a file, one after the other, as JSON objects. The file is NDJSON, or CSV
 * as in RFC 4180 with a header line, see columns.h. The separator is a comma, a semicolon
 * or a tab: the one that the header has most often. LF, CR LF and CR end a line. An empty
 * cell means that the member is not given, and a row of empty cells is skipped.
 */

#include "../rest/problem.h"
#include "tool.h"

/** Bytes of one record; a longer one is refused. */
#define UM_RECORD_MAX (1024 * 1024)

typedef struct um_records_t um_records_t;

/**
 * Begin to read. From now on the tool does not write to that file.
 * @param name a file, or "-" for the standard input
 * @return UM_EXIT_OK, or another code after a message
 */
um_exit_t um_records_open(um_records_t **records, um_tool_t *tool, const char *name, int is_csv);

/**
 * Read the next record.
 * @param line   the line where it begins, counted from 1
 * @param json   the record, in pool
 * @param faults gets what is wrong with it
 * @return APR_SUCCESS; UM_EINVALID, with a fault, if it is not a record; APR_EOF; or the
 *         error of reading the file
 */
apr_status_t um_records_next(apr_int64_t *line, um_json_t **json, um_faults_t *faults,
                             um_records_t *records, apr_pool_t *pool);

/** The number of bytes read so far. */
apr_int64_t um_records_done(const um_records_t *records);
/** The number of bytes of the whole file; 0 if that is not known. */
apr_int64_t um_records_total(const um_records_t *records);

#endif
