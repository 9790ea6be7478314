/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_buffer.c A text that grows. */

#include "unit.h"

#include "../../mod_usermgmt/base/buffer.h"

/* Leave other bytes than NULs in the memory that the pool gives next. */
static void soil_pool(void)
{
    memset(apr_palloc(pool, 4000), 'x', 4000);
    apr_pool_clear(pool);
}

static void assert_text(const um_buffer_t *buffer, const char *text)
{
    assert_int_equal(buffer->length, strlen(text));
    assert_string_equal(buffer->data, text);
    assert_true(buffer->capacity >= buffer->length);
}

static void it_begins_empty(void **state)
{
    um_buffer_t buffer;

    (void)state;
    soil_pool();
    um_buffer_init(&buffer, 0, pool);
    assert_text(&buffer, "");
    um_buffer_puts(&buffer, "");
    um_buffer_append(&buffer, "x", 0);
    assert_text(&buffer, "");
    um_buffer_init(&buffer, 100, pool);
    assert_text(&buffer, "");
    assert_true(buffer.capacity >= 100);
}

static void it_grows_from_any_capacity(void **state)
{
    (void)state;
    for (apr_size_t capacity = 0; capacity < 20; capacity++) {
        um_buffer_t buffer;

        um_buffer_init(&buffer, capacity, pool);
        um_buffer_putc(&buffer, 'a');
        um_buffer_puts(&buffer, "bcd");
        um_buffer_append(&buffer, "efghi", 3);
        um_buffer_putc(&buffer, 'h');
        um_buffer_puts(&buffer, "ijklmnopqrstuvwxyz");
        assert_text(&buffer, "abcdefghijklmnopqrstuvwxyz");
    }
}

static void it_keeps_every_byte(void **state)
{
    um_buffer_t buffer;
    char bytes[256];

    (void)state;
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
    }
    um_buffer_init(&buffer, 1, pool);
    for (int i = 0; i < 100; i++) {
        um_buffer_append(&buffer, bytes, sizeof(bytes));
        um_buffer_putc(&buffer, '\0');
    }
    assert_int_equal(buffer.length, 25700);
    assert_int_equal(buffer.data[buffer.length], '\0');
    for (int i = 0; i < 100; i++) {
        assert_memory_equal(buffer.data + i * 257, bytes, sizeof(bytes));
        assert_int_equal(buffer.data[i * 257 + 256], '\0');
    }
}

static void its_own_text_can_be_appended(void **state)
{
    um_buffer_t buffer;

    (void)state;
    um_buffer_init(&buffer, 3, pool);
    um_buffer_puts(&buffer, "abc");
    um_buffer_append(&buffer, buffer.data, 3);
    um_buffer_append(&buffer, buffer.data, 6);
    assert_text(&buffer, "abcabcabcabc");
}

static void room_is_at_the_end_and_changes_nothing(void **state)
{
    um_buffer_t buffer;
    char *room;

    (void)state;
    soil_pool();
    um_buffer_init(&buffer, 4, pool);
    um_buffer_puts(&buffer, "1234");
    room = um_buffer_reserve(&buffer, 1000);
    assert_ptr_equal(room, buffer.data + 4);
    assert_text(&buffer, "1234");
    assert_true(buffer.capacity >= 1004);
    /* The sanitizers and valgrind look here. */
    memset(room, 'x', 1000);
    room[1000] = '\0';
    buffer.length += 1000;
    assert_int_equal(strlen(buffer.data), 1004);
    assert_ptr_equal(um_buffer_reserve(&buffer, 0), buffer.data + 1004);
}

/* Growing by a byte each time must not copy all each time. */
static void it_grows_in_leaps(void **state)
{
    um_buffer_t buffer;
    const char *data;
    int moves = 0;

    (void)state;
    um_buffer_init(&buffer, 16, pool);
    data = buffer.data;
    for (int i = 0; i < 1000000; i++) {
        um_buffer_putc(&buffer, 'x');
        moves += buffer.data != data;
        data = buffer.data;
    }
    assert_int_equal(buffer.length, 1000000);
    assert_in_range(moves, 1, 20);
}

static void integers_are_decimal(void **state)
{
    static const apr_int64_t numbers[] = { 0,
                                           1,
                                           -1,
                                           9,
                                           10,
                                           -10,
                                           99,
                                           100,
                                           4294967296,
                                           INT64_MAX,
                                           INT64_MIN,
                                           INT64_MIN + 1,
                                           1000000000000000000 };

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        um_buffer_t buffer;

        um_buffer_init(&buffer, 0, pool);
        um_buffer_putc(&buffer, '<');
        um_buffer_put_int(&buffer, numbers[i]);
        um_buffer_putc(&buffer, '>');
        assert_text(&buffer, apr_psprintf(pool, "<%" APR_INT64_T_FMT ">", numbers[i]));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(it_begins_empty),
        WITH_POOL(it_grows_from_any_capacity),
        WITH_POOL(it_keeps_every_byte),
        WITH_POOL(its_own_text_can_be_appended),
        WITH_POOL(room_is_at_the_end_and_changes_nothing),
        WITH_POOL(it_grows_in_leaps),
        WITH_POOL(integers_are_decimal),
    };

    return RUN("buffer", tests);
}
