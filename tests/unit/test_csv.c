/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_csv.c Lines of CSV, and the guards of cells. */

#include "unit.h"

#include "../../mod_usermgmt/base/csv.h"

/* ---- guards ---- */

static void a_guard_goes_before_a_formula_and_before_a_guard(void **state)
{
    static const struct {
        const char *cell;
        int plain;
        int excel;
    } cases[] = {
        { "", 0, 0 },   { "a", 0, 0 },  { "a=b", 0, 0 }, { "=a", 0, 1 },  { "+", 0, 1 },
        { "-1", 0, 1 }, { "@a", 0, 1 }, { "\ta", 0, 1 }, { "\ra", 0, 1 }, { "'", 0, 0 },
        { "''", 0, 0 }, { "'a", 0, 0 }, { "'=a", 1, 1 }, { "''@", 1, 1 }, { " =", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(um_csv_needs_guard(cases[i].cell, 0), cases[i].plain);
        assert_int_equal(um_csv_needs_guard(cases[i].cell, 1), cases[i].excel);
        for (int is_excel = 0; is_excel <= 1; is_excel++) {
            const char *guard = um_csv_needs_guard(cases[i].cell, is_excel) ? "'" : "";

            assert_string_equal(um_csv_skip_guard(apr_pstrcat(pool, guard, cases[i].cell, NULL)),
                                cases[i].cell);
        }
    }
}

/* ---- lines ---- */

static int is_member(const char *name)
{
    return strcmp(name, "id") == 0;
}

static const char *line_of(const char *columns, const char *object, int is_excel)
{
    um_csv_t csv = { um_csv_columns(columns, pool), "rest", is_member, is_excel };
    um_buffer_t buffer;

    um_buffer_init(&buffer, 16, pool);
    um_csv_put_line(&buffer, &csv, object, pool);
    return buffer.data;
}

static void a_line_has_the_columns_in_their_order(void **state)
{
    const char *object = "{\"id\":\"7\",\"a\":\"x\",\"b\":null,\"c\":1.50,\"d\":[1,{\"a\":2}]}";

    (void)state;
    assert_string_equal(line_of("a,id", object, 0), "x,7\r\n");
    assert_string_equal(line_of("b,none,c,d", object, 0), ",,1.50,\"[1,{\"\"a\"\":2}]\"\r\n");
    assert_string_equal(line_of("a:json,c:json,b:json,none:json", object, 0),
                        "\"\"\"x\"\"\",1.50,,\r\n");
    assert_string_equal(line_of("rest", object, 0),
                        "\"{\"\"a\"\":\"\"x\"\",\"\"b\"\":null,\"\"c\"\":1.50,"
                        "\"\"d\"\":[1,{\"\"a\"\":2}]}\"\r\n");
    assert_string_equal(line_of("id,rest", "{\"id\":\"7\"}", 0), "7,\r\n");
    assert_string_equal(line_of("id", "{}", 0), "\r\n");
}

static void an_object_may_have_white_space(void **state)
{
    (void)state;
    assert_string_equal(line_of("id,a,rest", "{\"id\": \"7\", \"a\": [ 1, 2 ]}", 0),
                        "7,\"[1,2]\",\"{\"\"a\"\":[1,2]}\"\r\n");
    assert_string_equal(line_of("id,a", "{\"id\":", 0), ",\r\n");
    assert_string_equal(line_of("id,a", "[]", 0), ",\r\n");
}

static void a_text_is_what_it_was(void **state)
{
    (void)state;
    assert_string_equal(line_of("a", "{\"a\":\"x, \\\"y\\\"\\n\"}", 0), "\"x, \"\"y\"\"\n\"\r\n");
    assert_string_equal(line_of("a", "{\"a\":\"\\u00e9\\\\\"}", 0), "\xc3\xa9\\\r\n");
    assert_string_equal(line_of("a", "{\"a\":\"null\"}", 0), "null\r\n");
    assert_string_equal(line_of("a", "{\"a\":\"\"}", 0), "\r\n");
}

static void no_cell_is_a_formula(void **state)
{
    (void)state;
    assert_string_equal(line_of("a,b", "{\"a\":\"=1\",\"b\":-1}", 1), "'=1,'-1\r\n");
    assert_string_equal(line_of("a,b", "{\"a\":\"=1\",\"b\":-1}", 0), "=1,-1\r\n");
    assert_string_equal(line_of("a", "{\"a\":\"'=1,2\"}", 0), "\"''=1,2\"\r\n");
}

static void a_spreadsheet_finds_no_other_separators(void **state)
{
    const char *object = "{\"a\":\"x;=1\",\"b\":\"y\\t=1\"}";

    (void)state;
    assert_string_equal(line_of("a,b", object, 1), "\"x;=1\",\"y\t=1\"\r\n");
    assert_string_equal(line_of("a,b", object, 0), "x;=1,y\t=1\r\n");
}

static void the_header_has_a_mark_for_a_spreadsheet(void **state)
{
    um_csv_t csv = { um_csv_columns("id,a:json,b", pool), NULL, NULL, 0 };
    um_buffer_t buffer;

    (void)state;
    um_buffer_init(&buffer, 16, pool);
    um_csv_put_header(&buffer, &csv);
    assert_string_equal(buffer.data, "id,a:json,b\r\n");
    csv.is_excel = 1;
    um_buffer_init(&buffer, 16, pool);
    um_csv_put_header(&buffer, &csv);
    assert_string_equal(buffer.data, "\xef\xbb\xbfid,a:json,b\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(a_guard_goes_before_a_formula_and_before_a_guard),
        WITH_POOL(a_line_has_the_columns_in_their_order),
        WITH_POOL(an_object_may_have_white_space),
        WITH_POOL(a_text_is_what_it_was),
        WITH_POOL(no_cell_is_a_formula),
        WITH_POOL(a_spreadsheet_finds_no_other_separators),
        WITH_POOL(the_header_has_a_mark_for_a_spreadsheet),
    };

    return RUN("csv", tests);
}
