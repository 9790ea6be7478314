/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/**
 * @file driver.c
 * Runs a fuzz target without libFuzzer, under any compiler:
 *
 *     fuzz_NAME [--seconds N] [--seed N] [FOLDER]
 *
 * replays the files of a folder (default $srcdir/tests/fuzz/corpus/NAME), and
 * fails where there is none; then, for N seconds, goes on with random changes of
 * them. The input that a target fails on is left in the file fuzz_NAME.failed.
 */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX 8192
#define CORPUS_MAX 1024
/* An input that takes longer is a failure. */
#define SECONDS_MAX 60

typedef struct input_t {
    uint8_t *data;
    size_t size;
} input_t;

static input_t corpus[CORPUS_MAX];
static unsigned corpus_size;
static const char *name;
static char failed_path[256];
static uint64_t random_state;
/* What runs, for the signal handler. */
static input_t current;

/* The sanitizers' reports end in a SIGABRT, so that the input is kept. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static void keep_input(int number)
{
    static const char message[] = "the input is kept as ";
    int file = open(failed_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (file >= 0 && write(file, current.data, current.size) == (ssize_t)current.size
        && write(2, message, sizeof(message) - 1) > 0
        && write(2, failed_path, strlen(failed_path)) > 0 && write(2, "\n", 1) > 0) {
        close(file);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* An allocation of its own for each input: a read behind it is seen. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    REQUIRE(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    current.data = copy;
    current.size = size;
    alarm(SECONDS_MAX);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    current.size = 0;
    free(copy);
}

/* ---- the corpus ---- */

static void load(const char *folder, const char *file)
{
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s", folder, file);
    uint8_t *data = malloc(INPUT_MAX);
    FILE *stream = length < (int)sizeof(path) ? fopen(path, "rb") : NULL;

    if (stream == NULL || data == NULL || corpus_size == CORPUS_MAX) {
        fprintf(stderr, "%s: can't be loaded\n", path);
        exit(1);
    }
    corpus[corpus_size].data = data;
    corpus[corpus_size++].size = fread(data, 1, INPUT_MAX, stream);
    fclose(stream);
}

static void load_all(const char *folder)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            load(folder, entry->d_name);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    if (corpus_size == 0) {
        fprintf(stderr, "%s: nothing to replay\n", folder);
        exit(1);
    }
}

/* ---- random changes ---- */

/* xorshift64* */
static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

static size_t below(size_t end)
{
    return end > 0 ? (size_t)(next_random() % end) : 0;
}

static size_t insert(uint8_t *data, size_t size, const void *bytes, size_t length)
{
    size_t at = below(size + 1);

    if (size + length > INPUT_MAX) {
        return size;
    }
    memmove(data + at + length, data + at, size - at);
    memcpy(data + at, bytes, length);
    return size + length;
}

static size_t insert_word(uint8_t *data, size_t size)
{
    /* clang-format off */
    static const char *const words[] = {
        "\"", "{", "}", "[", "]", ":", ",", "\\", "\\u0000", "\\ud800", "\\udc00", "null", "true",
        "1e-400", "1e400", "-0.0", "5e-324", "9223372036854775808", "0.1", "\"a\":", "\"email\":",
        "\"display_name\":", "\"phone\":", "\"user_uid\":", "\"role\":\"user\"", "\xc3\xa9",
        "\xf0\x9f\x98\x80", "\xff", "\xed\xa0\x80", "\xe2\x80\xa8", "%", "%00", "%C3%A9", "&", "=",
        "+", "?", "/", "//", "..", ";", ";q=0", ";q=1.000", "*/*", "W/\"", "*", "\n", "\n\n",
        "users", "sub-admins", "invitations", "start_after_id=", "end_before_id=", "order_by=-email",
        "order_by=display_name", "limit=1000", "count=none", "q=", "created_after=",
        "2024-02-29T23:59:60Z", "If-Match: ", "Accept: application/x-ndjson", "Idempotency-Key: x",
        " eq ", " sw ", " pr", " and ", " or ", "not (", "(", ")", "[", "]", "emails[", "].value",
        "urn:a:2.0:User:", ".", "$ref", "True", "Origin: null", "DELETE", "PUT", "HEAD", "@", "xn--",
        "https://", ":443", "[::1]",
    };
    /* clang-format on */
    const char *word = words[below(sizeof(words) / sizeof(words[0]))];

    return insert(data, size, word, strlen(word));
}

static size_t insert_of_another(uint8_t *data, size_t size)
{
    const input_t *other = &corpus[below(corpus_size)];
    size_t from = below(other->size);

    return insert(data, size, other->data + from, below(other->size - from + 1));
}

static size_t remove_some(uint8_t *data, size_t size)
{
    size_t from = below(size);
    size_t length = below(size - from + 1);

    memmove(data + from, data + from + length, size - from - length);
    return size - length;
}

static size_t change(uint8_t *data, size_t size)
{
    uint8_t byte = (uint8_t)next_random();

    switch (below(7)) {
    case 0:
        return insert(data, size, &byte, 1);
    case 1:
        return remove_some(data, size);
    case 2:
        return insert_of_another(data, size);
    case 3:
        if (size > 0) {
            data[below(size)] = byte;
        }
        return size;
    case 4:
        if (size > 0) {
            data[below(size)] ^= (uint8_t)(1u << below(8));
        }
        return size;
    default:
        return insert_word(data, size);
    }
}

static unsigned long run_changed(long seconds)
{
    static uint8_t data[INPUT_MAX];
    time_t end = time(NULL) + seconds;
    unsigned long count = 0;

    while (time(NULL) < end) {
        const input_t *first = &corpus[below(corpus_size)];
        size_t size = first->size;

        memcpy(data, first->data, size);
        for (size_t changes = 1 + below(6); changes > 0; changes--) {
            size = change(data, size);
        }
        run(data, size);
        count++;
    }
    return count;
}

/* ---- the program ---- */

/* "json" of ".libs/lt-fuzz_json". */
static const char *name_of(const char *program)
{
    const char *found = program;

    for (const char *at = program; (at = strstr(at, "fuzz_")) != NULL;) {
        at += strlen("fuzz_");
        found = at;
    }
    return found;
}

static void read_arguments(const char **folder, long *seconds, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--seconds") == 0 && i + 1 < count) {
            *seconds = strtol(arguments[++i], NULL, 10);
        } else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count) {
            random_state = strtoull(arguments[++i], NULL, 10);
        } else {
            *folder = arguments[i];
        }
    }
}

int main(int count, char **arguments)
{
    const char *srcdir = getenv("srcdir");
    const char *folder;
    char usual[4096];
    long seconds = 0;
    uint64_t seed;

    name = name_of(arguments[0]);
    snprintf(failed_path, sizeof(failed_path), "fuzz_%s.failed", name);
    snprintf(usual, sizeof(usual), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".",
             name);
    folder = usual;
    random_state = (uint64_t)time(NULL);
    read_arguments(&folder, &seconds, count, arguments);
    seed = random_state;
    random_state = random_state * 0x9E3779B97F4A7C15u | 1;
    signal(SIGABRT, keep_input);
    signal(SIGALRM, keep_input);
    LLVMFuzzerInitialize(&count, &arguments);
    load_all(folder);
    for (unsigned i = 0; i < corpus_size; i++) {
        run(corpus[i].data, corpus[i].size);
    }
    printf("fuzz_%s: %u of the corpus", name, corpus_size);
    if (seconds > 0) {
        printf(", seed %llu", (unsigned long long)seed);
        fflush(stdout);
        printf(", %lu changed ones", run_changed(seconds));
    }
    printf("\n");
    for (unsigned i = 0; i < corpus_size; i++) {
        free(corpus[i].data);
    }
    return 0;
}
