/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_query.c Query components. */

#include "unit.h"

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/rest/query.h"

/* The pairs as "<name>=<value>" one after the other. */
static const char *pairs(const char *query)
{
    apr_array_header_t *parameters = NULL;
    um_faults_t faults = { .pool = pool };
    const char *text = "";

    assert_int_equal(um_query_parse(&parameters, &faults, query, pool), APR_SUCCESS);
    if (faults.list != NULL) {
        fail_msg("%s is refused", query);
    }
    for (int i = 0; i < parameters->nelts; i++) {
        const um_query_parameter_t *pair = &APR_ARRAY_IDX(parameters, i, um_query_parameter_t);

        text = apr_pstrcat(pool, text, "<", pair->name, ">=<", pair->value, ">", NULL);
    }
    return text;
}

static void assert_wrong(const char *query, const char *names, int good)
{
    apr_array_header_t *parameters = NULL;
    um_faults_t faults = { .pool = pool };
    const char *text = "";

    assert_int_equal(um_query_parse(&parameters, &faults, query, pool), APR_SUCCESS);
    for (int i = 0; faults.list != NULL && i < faults.list->nelts; i++) {
        const um_fault_t *fault = &APR_ARRAY_IDX(faults.list, i, um_fault_t);

        assert_string_equal(fault->code, "invalid_value");
        text = apr_pstrcat(pool, text, i > 0 ? "," : "", fault->field, NULL);
    }
    assert_string_equal(text, names);
    assert_int_equal(parameters->nelts, good);
}

static void queries_are_taken_apart(void **state)
{
    static const char *const cases[][2] = {
        { "", "" },
        { "a=1", "<a>=<1>" },
        { "a=1&b=2", "<a>=<1><b>=<2>" },
        { "b=2&a=1&b=3", "<b>=<2><a>=<1><b>=<3>" },
        { "a", "<a>=<>" },
        { "a=", "<a>=<>" },
        { "=1", "<>=<1>" },
        { "=", "<>=<>" },
        { "a=1=2==", "<a>=<1=2==>" },
        { "&", "" },
        { "&&&", "" },
        { "&&a=1&&b=2&", "<a>=<1><b>=<2>" },
        { "a=1;b=2", "<a>=<1;b=2>" },
        { "a+b=c+d", "<a b>=<c d>" },
        { "+=+", "< >=< >" },
        { "a=%2B%20+", "<a>=<+  >" },
        { "%61=%41", "<a>=<A>" },
        { "a%3Db=c%26d%3de", "<a=b>=<c&d=e>" },
        { "a=%25", "<a>=<%>" },
        { "a=%2525", "<a>=<%25>" },
        { "q=%C3%A9", "<q>=<" E_ACUTE ">" },
        { "q=%c3%a9", "<q>=<" E_ACUTE ">" },
        { "q=" E_ACUTE, "<q>=<" E_ACUTE ">" },
        { "q=%F0%9F%98%80", "<q>=<\xf0\x9f\x98\x80>" },
        { "q=%C3\xa9", "<q>=<" E_ACUTE ">" },
        { "a=%0A%01%7F", "<a>=<\n\x01\x7f>" },
        { "a=/?:@!$'()*,[]", "<a>=</?:@!$'()*,[]>" },
        { "a=b#c", "<a>=<b#c>" },
    };

    (void)state;
    assert_string_equal(pairs(NULL), "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(pairs(cases[i][0]), cases[i][1]);
    }
}

static void what_cannot_be_read_is_named(void **state)
{
    static const char *const cases[][2] = {
        { "a=%", "a" },
        { "a=%4", "a" },
        { "a=%4g", "a" },
        { "a=%g4", "a" },
        { "a=%%41", "a" },
        { "a=%+1", "a" },
        { "a=%-1", "a" },
        { "a=% 1", "a" },
        { "a=%0x41", "a" },
        { "a=%00", "a" },
        { "a=b%00c", "a" },
        { "a=%80", "a" },
        { "a=%C3", "a" },
        { "a=%C3%28", "a" },
        { "a=%C0%80", "a" },
        { "a=%ED%A0%80", "a" },
        { "a=%F4%90%80%80", "a" },
        { "a=%FF", "a" },
        { "a=\xff", "a" },
        { "b=%&c=%", "b,c" },
        { "a=%C3&b=%A9", "a,b" },
        { "a=%&%=1&a=%00", "a,%,a" },
        { "a%C3=1", "a%C3" },
        { "%=1", "%" },
        { "%00=1", "%00" },
        { "a%00b", "a%00b" },
        { "%4", "%4" },
        { "\xff\x01 =1", "%FF%01%20" },
        { "%C3%A9=%", E_ACUTE },
        { "a+b=%", "a b" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_wrong(cases[i][0], cases[i][1], 0);
    }
    assert_wrong("a=1&b=%&c=2&d=%zz", "b,d", 2);
}

static const char *query_of_length(size_t length)
{
    char *query = apr_palloc(pool, length + 1);

    memset(query, 'x', length);
    memcpy(query, "a=", 2);
    query[length] = '\0';
    return query;
}

static void queries_have_at_most_4096_bytes(void **state)
{
    apr_array_header_t *parameters = NULL;
    um_faults_t faults = { .pool = pool };

    (void)state;
    assert_int_equal(UM_QUERY_MAX, 4096);
    assert_int_equal(um_query_parse(&parameters, &faults, query_of_length(4096), pool),
                     APR_SUCCESS);
    assert_int_equal(parameters->nelts, 1);
    assert_int_equal(strlen(APR_ARRAY_IDX(parameters, 0, um_query_parameter_t).value), 4094);
    assert_int_equal(um_query_parse(&parameters, &faults, query_of_length(4097), pool),
                     UM_ETOOLARGE);
    assert_int_equal(um_query_parse(&parameters, &faults, query_of_length(1 << 20), pool),
                     UM_ETOOLARGE);
}

static void a_query_full_of_pairs(void **state)
{
    apr_array_header_t *parameters = NULL;
    um_faults_t faults = { .pool = pool };
    char query[4097];

    (void)state;
    for (size_t i = 0; i < 4096; i += 2) {
        memcpy(query + i, "a&", 2);
    }
    query[4096] = '\0';
    assert_int_equal(um_query_parse(&parameters, &faults, query, pool), APR_SUCCESS);
    assert_int_equal(parameters->nelts, 2048);
}

static void the_query_itself_is_left_alone(void **state)
{
    char query[] = "a=%41&b+c=d";

    (void)state;
    assert_string_equal(pairs(query), "<a>=<A><b c>=<d>");
    assert_string_equal(query, "a=%41&b+c=d");
}

static void known_encodings(void **state)
{
    (void)state;
    assert_string_equal(um_query_encode("", pool), "");
    assert_string_equal(um_query_encode("AZaz09-._~", pool), "AZaz09-._~");
    assert_string_equal(um_query_encode("a b+c&d=e%/?#", pool), "a%20b%2Bc%26d%3De%25%2F%3F%23");
    assert_string_equal(um_query_encode(E_ACUTE "\x01\x7f", pool), "%C3%A9%01%7F");
    assert_string_equal(um_query_encode("<>\"\r\n;,", pool), "%3C%3E%22%0D%0A%3B%2C");
}

static void what_is_encoded_is_read_back(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        const char *text = apr_psprintf(pool, "x%cy", c);
        const char *query = apr_pstrcat(pool, um_query_encode(text, pool), "=",
                                        um_query_encode(text, pool), NULL);

        assert_string_equal(pairs(query), apr_psprintf(pool, "<%s>=<%s>", text, text));
    }
}

static void whole_numbers(void **state)
{
    static const struct {
        const char *text;
        int is_good;
        apr_int64_t number;
    } cases[] = {
        { "1", 1, 1 },   { "366", 1, 366 }, { "007", 1, 7 }, { "0", 0, 0 },
        { "367", 0, 0 }, { "", 0, 0 },      { "-1", 0, 0 },  { "+1", 0, 0 },
        { "1.0", 0, 0 }, { " 1", 0, 0 },    { "1x", 0, 0 },  { "99999999999999999999999", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        apr_int64_t number = -1;

        assert_int_equal(um_query_number(&number, cases[i].text, 1, 366), cases[i].is_good);
        if (cases[i].is_good) {
            assert_int_equal(number, cases[i].number);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(queries_are_taken_apart),         WITH_POOL(what_cannot_be_read_is_named),
        WITH_POOL(queries_have_at_most_4096_bytes), WITH_POOL(a_query_full_of_pairs),
        WITH_POOL(the_query_itself_is_left_alone),  WITH_POOL(known_encodings),
        WITH_POOL(what_is_encoded_is_read_back),    WITH_POOL(whole_numbers),
    };

    return RUN("query", tests);
}
