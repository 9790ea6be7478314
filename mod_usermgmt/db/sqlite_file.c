/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file sqlite_file.c The file of an SQLite database, see sqlite_file.h. */

#include "sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_time.h>

/* SQLite's file format, https://www.sqlite.org/fileformat2.html */
#define MAGIC "SQLite format 3"
#define HEADER_BYTES 100
#define PAGE_SIZE_AT 16
#define READ_VERSION_AT 19
#define READ_VERSION_WITH_LOG 2
#define CHANGE_COUNTER_AT 24
/* Of um_stamp_sql_t: user_version, and application_id. */
#define STAMP_AT 60
#define LAST_STAMP_AT 68

#define LOG_HEADER_BYTES 32
#define LOG_MAGIC 0x377f0682U
#define LOG_PAGE_SIZE_AT 8
#define LOG_SALT_AT 16
#define LOG_SUM_AT 24
#define FRAME_HEADER_BYTES 24
#define FRAME_COMMIT_AT 4
#define FRAME_SALT_AT 8
#define FRAME_SUM_AT 16
#define SALT_BYTES 8

#define PAGE_SIZE_MIN 512U
#define PAGE_SIZE_MAX 65536U

/* Another process may restart the log between two reads. Then it is read again. */
#define ATTEMPTS_MAX 5
#define ATTEMPT_PAUSE apr_time_from_msec(40)

/* The part of the log that was read. */
typedef struct um_wal_t {
    apr_file_t *file;
    unsigned char header[LOG_HEADER_BYTES];
    apr_uint32_t page_size;
    /* Checksums of the part that was read; its words are big-endian or little-endian. */
    apr_uint32_t sums[2];
    int is_big_endian;
    unsigned char *page;
    /* The first header of the database in it. */
    unsigned char first[HEADER_BYTES];
    int has_first;
    /* Whether one of its headers is that of the database file. */
    int has_same;
    /* Whether it has a complete transaction. */
    int has_commit;
} um_wal_t;

/* ---- making the file ---- */

const char *um_sqlite_file_resolve(const char *path, apr_pool_t *pool)
{
    char *resolved = realpath(path, NULL);

    if (resolved != NULL) {
        path = apr_pstrdup(pool, resolved);
        free(resolved);
    }
    return path;
}

static const char *folder_of(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return ".";
    }
    return slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
}

/* Give a file that root has made to the owner of the folder, who can't open it otherwise. */
static apr_status_t give_to_owner(int file, const char *folder)
{
    struct stat info;

    if (geteuid() != 0) {
        return APR_SUCCESS;
    }
    if (stat(folder, &info) != 0
        || (info.st_uid != 0 && fchown(file, info.st_uid, info.st_gid) != 0)) {
        return APR_FROM_OS_ERROR(errno);
    }
    return APR_SUCCESS;
}

apr_status_t um_sqlite_file_create(const char *path, apr_pool_t *pool)
{
    struct stat info;
    apr_status_t status;
    int file;

    /* If there is a file, opening and closing it would release locks. */
    if (stat(path, &info) == 0) {
        return APR_SUCCESS;
    }
    file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) {
        /* Another process has just made it, or it is a link to nothing. */
        status = APR_FROM_OS_ERROR(errno);
        return stat(path, &info) == 0 ? APR_SUCCESS : status;
    }
    status = give_to_owner(file, folder_of(path, pool));
    if (status != APR_SUCCESS) {
        unlink(path);
    }
    close(file);
    return status;
}

/* ---- the log ---- */

static apr_uint32_t get_uint32(const unsigned char *bytes)
{
    return (apr_uint32_t)bytes[0] << 24 | (apr_uint32_t)bytes[1] << 16
           | (apr_uint32_t)bytes[2] << 8 | bytes[3];
}

static apr_uint32_t get_word(const um_wal_t *wal, const unsigned char *bytes)
{
    return wal->is_big_endian ? get_uint32(bytes)
                              : (apr_uint32_t)bytes[3] << 24 | (apr_uint32_t)bytes[2] << 16
                                    | (apr_uint32_t)bytes[1] << 8 | bytes[0];
}

/* length is a multiple of 8. */
static void add_to_sums(um_wal_t *wal, const unsigned char *bytes, apr_size_t length)
{
    for (apr_size_t i = 0; i < length; i += 8) {
        wal->sums[0] += get_word(wal, bytes + i) + wal->sums[1];
        wal->sums[1] += get_word(wal, bytes + i + 4) + wal->sums[0];
    }
}

static int have_sums(const um_wal_t *wal, const unsigned char *bytes)
{
    return get_uint32(bytes) == wal->sums[0] && get_uint32(bytes + 4) == wal->sums[1];
}

static int read_bytes(apr_file_t *file, unsigned char *bytes, apr_size_t length)
{
    return apr_file_read_full(file, bytes, length, NULL) == APR_SUCCESS;
}

/* 0 if SQLite itself would treat the log as empty. */
static int read_log_header(um_wal_t *wal)
{
    unsigned char *header = wal->header;
    apr_uint32_t magic;

    if (!read_bytes(wal->file, header, LOG_HEADER_BYTES)) {
        return 0;
    }
    magic = get_uint32(header);
    wal->is_big_endian = magic & 1;
    wal->page_size = get_uint32(header + LOG_PAGE_SIZE_AT);
    if ((magic & ~1U) != LOG_MAGIC || wal->page_size < PAGE_SIZE_MIN
        || wal->page_size > PAGE_SIZE_MAX || (wal->page_size & (wal->page_size - 1)) != 0) {
        return 0;
    }
    add_to_sums(wal, header, LOG_SUM_AT);
    return have_sums(wal, header + LOG_SUM_AT);
}

/* 0 at the log's end: the frame is incomplete, or belongs to an earlier round of the log. */
static int read_frame(um_wal_t *wal, unsigned char *header)
{
    if (!read_bytes(wal->file, header, FRAME_HEADER_BYTES)
        || !read_bytes(wal->file, wal->page, wal->page_size)
        || memcmp(header + FRAME_SALT_AT, wal->header + LOG_SALT_AT, SALT_BYTES) != 0
        || get_uint32(header) == 0) {
        return 0;
    }
    add_to_sums(wal, header, FRAME_SALT_AT);
    add_to_sums(wal, wal->page, wal->page_size);
    return have_sums(wal, header + FRAME_SUM_AT);
}

static void read_frames(um_wal_t *wal, const unsigned char *database)
{
    unsigned char header[FRAME_HEADER_BYTES];

    while (read_frame(wal, header)) {
        wal->has_commit = wal->has_commit || get_uint32(header + FRAME_COMMIT_AT) != 0;
        if (get_uint32(header) != 1) {
            continue;
        }
        if (!wal->has_first) {
            memcpy(wal->first, wal->page, HEADER_BYTES);
            wal->has_first = 1;
        }
        wal->has_same = wal->has_same || memcmp(wal->page, database, HEADER_BYTES) == 0;
    }
}

static apr_uint32_t page_size_of(const unsigned char *database)
{
    apr_uint32_t size = (apr_uint32_t)database[PAGE_SIZE_AT] << 8 | database[PAGE_SIZE_AT + 1];

    return size == 1 ? PAGE_SIZE_MAX : size;
}

/* Whether the log's first header follows that of the file. */
static int continues(const unsigned char *first, const unsigned char *database)
{
    apr_uint32_t last = get_uint32(database + STAMP_AT);
    apr_uint32_t counted = get_uint32(first + CHANGE_COUNTER_AT)
                           - get_uint32(database + CHANGE_COUNTER_AT);

    /* SQLite need not count a transaction if the same connection made the one before. */
    return counted <= 1
           && (get_uint32(first + LAST_STAMP_AT) == last
               /* The transaction of another program has no stamp. */
               || (get_uint32(first + STAMP_AT) == last
                   && memcmp(first + LAST_STAMP_AT, database + LAST_STAMP_AT, 4) == 0));
}

static int fits(const um_wal_t *wal, const unsigned char *database)
{
    if (!wal->has_commit) {
        return 1;
    }
    return wal->page_size == page_size_of(database)
           && database[READ_VERSION_AT] == READ_VERSION_WITH_LOG
           && (!wal->has_first || wal->has_same || continues(wal->first, database));
}

static int open_file(apr_file_t **file, const char *path, apr_pool_t *pool)
{
    return apr_file_open(file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_BUFFERED,
                         APR_FPROT_OS_DEFAULT, pool)
           == APR_SUCCESS;
}

/* The database's header; 0 if SQLite would not accept it. */
static int read_header(unsigned char *header, const char *path, apr_pool_t *pool)
{
    apr_file_t *file = NULL;
    int is_read;

    if (!open_file(&file, path, pool)) {
        return 0;
    }
    is_read = read_bytes(file, header, HEADER_BYTES);
    apr_file_close(file);
    return is_read && memcmp(header, MAGIC, sizeof(MAGIC)) == 0;
}

/* One attempt: 0 if the log seems to belong to another file. */
static int look(const char *path, const char *log, apr_pool_t *pool)
{
    unsigned char database[HEADER_BYTES];
    um_wal_t *wal = apr_pcalloc(pool, sizeof(*wal));
    int is_own = 1;

    if (!open_file(&wal->file, log, pool)) {
        return 1;
    }
    /* The log is read first. Unless it is restarted meanwhile, it has every header that the
     * file can have. */
    if (read_log_header(wal) && read_header(database, path, pool)) {
        wal->page = apr_palloc(pool, wal->page_size);
        read_frames(wal, database);
        is_own = fits(wal, database);
    }
    apr_file_close(wal->file);
    return is_own;
}

static int is_there(const char *path, apr_off_t *size, apr_pool_t *pool)
{
    apr_finfo_t info;

    if (apr_stat(&info, path, APR_FINFO_SIZE, pool) != APR_SUCCESS) {
        return 0;
    }
    *size = info.size;
    return 1;
}

const char *um_sqlite_file_check_log(const char *path, apr_pool_t *pool)
{
    const char *log;
    apr_off_t size = 0;
    apr_pool_t *scratch;
    int is_own = 0;

    path = um_sqlite_file_resolve(path, pool);
    log = apr_pstrcat(pool, path, "-wal", NULL);
    if (!is_there(log, &size, pool) || size <= LOG_HEADER_BYTES) {
        return NULL;
    }
    if (!is_there(path, &size, pool) || size == 0) {
        return apr_psprintf(pool,
                            "%s is missing or empty, but its write-ahead log %s exists; "
                            "put the database back, or remove the log",
                            path, log);
    }
    apr_pool_create(&scratch, pool);
    for (int i = 0; !is_own && i < ATTEMPTS_MAX; i++) {
        if (i > 0) {
            apr_sleep(ATTEMPT_PAUSE);
        }
        apr_pool_clear(scratch);
        is_own = look(path, log, scratch);
    }
    apr_pool_destroy(scratch);
    return is_own ? NULL
                  : apr_psprintf(pool,
                                 "the write-ahead log %s belongs to another state of %s, "
                                 "perhaps because a backup was copied over it; stop all programs "
                                 "that use the database, remove %s and %s-shm, and copy the "
                                 "backup again",
                                 log, path, log, path);
}
