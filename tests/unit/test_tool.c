/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_tool.c Parts of usermgmtctl that need no database: columns by a
 *  header, refusals that are counted, and the command line. */

#include <getopt.h>

#include "unit.h"

#include "../../mod_usermgmt/cli/columns.h"
#include "../../mod_usermgmt/cli/refusals.h"

static char told[1024];

/* In place of the tool's. */
void um_tool_say(const um_tool_t *tool, const char *format, ...)
{
    va_list arguments;

    (void)tool;
    va_start(arguments, format);
    apr_vsnprintf(told, sizeof(told), format, arguments);
    va_end(arguments);
}

static int set_up(void **state)
{
    told[0] = '\0';
    return make_pool(state);
}

/* ---- columns ---- */

static um_exit_t find(apr_array_header_t **columns, const char *header, const char *map)
{
    um_tool_t tool = { .pool = pool };
    apr_array_header_t *cells = apr_array_make(pool, 8, sizeof(const char *));
    char *rest = NULL;

    tool.options.maps = apr_array_make(pool, 1, sizeof(const char *));
    if (map != NULL) {
        APR_ARRAY_PUSH(tool.options.maps, const char *) = map;
    }
    for (const char *cell = apr_strtok(apr_pstrdup(pool, header), ",", &rest); cell != NULL;
         cell = apr_strtok(NULL, ",", &rest)) {
        APR_ARRAY_PUSH(cells, const char *) = cell;
    }
    return um_columns_find(columns, &tool, cells);
}

static void columns_are_found_by_their_names(void **state)
{
    static const um_column_t expected[] = {
        { "email", UM_COLUMN_STRING },          { "display_name", UM_COLUMN_STRING },
        { "attributes", UM_COLUMN_ATTRIBUTES }, { "Size", UM_COLUMN_JSON },
        { "size", UM_COLUMN_STRING },           { "", UM_COLUMN_IGNORED },
    };
    apr_array_header_t *columns = NULL;

    (void)state;
    assert_int_equal(find(&columns, "EMAIL, Display_Name ,ATTRIBUTES,Size:JSON,size,No!", "no!="),
                     UM_EXIT_OK);
    assert_int_equal(columns->nelts, 6);
    for (int i = 0; i < columns->nelts; i++) {
        const um_column_t *column = &APR_ARRAY_IDX(columns, i, um_column_t);

        assert_string_equal(column->name, expected[i].name);
        assert_int_equal(column->kind, expected[i].kind);
    }
    assert_string_equal(told, "");
}

static void headers_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *header;
        const char *map;
        const char *reason;
    } cases[] = {
        { "a,b", NULL, "neither a column \"email\" nor \"display_name\"; it has: \"a\", \"b\"" },
        { "Name,Mail", NULL, "--map \"Mail=email\"" },
        { "email,Name", NULL, "no column \"display_name\"" },
        { "email,Name", NULL, "--map \"Name=display_name\"" },
        { "a|b", NULL, "separator must be" },
        { "a@b.c,d", NULL, "seems to be a user" },
        { "email,display_name,Email", NULL, "\"email\" twice" },
        { "email,display_name,x", "x=email", "\"email\" twice" },
        { "email,display_name,a b!", NULL, "can't be the name of an attribute" },
        { "email,display_name", "x=y", "no column \"x\", which --map names" },
        { "email, ,display_name", NULL, "without a name, number 2" },
    };
    apr_array_header_t *columns = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(find(&columns, cases[i].header, cases[i].map), UM_EXIT_REFUSED);
        assert_non_null(strstr(told, cases[i].reason));
    }
}

/* ---- refusals ---- */

static void put(um_buffer_t *text, um_refusals_t *refusals, apr_int64_t line, const char *field)
{
    um_faults_t faults = { .pool = pool };

    um_faults_add(&faults, field, "code", "Detail.");
    um_refusals_put(text, refusals, line, &faults);
}

static int count_lines(const um_buffer_t *text)
{
    int count = 0;

    for (apr_size_t i = 0; i < text->length; i++) {
        count += text->data[i] == '\n';
    }
    return count;
}

static void equal_errors_are_counted(void **state)
{
    um_refusals_t refusals;
    um_buffer_t text;

    (void)state;
    um_refusals_init(&refusals, 0, pool);
    um_buffer_init(&text, 1024, pool);
    for (int i = 1; i <= UM_REFUSALS_EQUAL_MAX + 3; i++) {
        put(&text, &refusals, i, "a");
    }
    put(&text, &refusals, 99, "b");
    assert_int_equal(count_lines(&text), UM_REFUSALS_EQUAL_MAX + 1);
    assert_non_null(strstr(text.data, "{\"line\":99,\"errors\":[{\"field\":\"b\""));
    um_buffer_init(&text, 1024, pool);
    um_refusals_put_rest(&text, &refusals);
    assert_int_equal(count_lines(&text), 1);
    assert_ptr_equal(strstr(text.data, "{\"more\":3,\"errors\":[{\"field\":\"a\""), text.data);
}

/* A file may give each record an error of its own: none is lost, and memory is bounded. */
static void many_kinds_of_errors_are_told(void **state)
{
    um_refusals_t refusals;
    um_buffer_t text;

    (void)state;
    um_refusals_init(&refusals, 0, pool);
    um_buffer_init(&text, 1024, pool);
    for (int i = 0; i < 3000; i++) {
        put(&text, &refusals, i, apr_itoa(pool, i));
    }
    assert_int_equal(count_lines(&text), 3000);
    assert_int_equal(refusals.kinds->nelts, 1000);
}

static void a_report_has_all(void **state)
{
    um_refusals_t refusals;
    um_buffer_t text;

    (void)state;
    um_refusals_init(&refusals, 1, pool);
    um_buffer_init(&text, 1024, pool);
    for (int i = 0; i < 100; i++) {
        put(&text, &refusals, i, "a");
    }
    um_refusals_put_rest(&text, &refusals);
    assert_int_equal(count_lines(&text), 100);
}

/* ---- the command line ---- */

static const char *read_line(um_options_t *options, const char *line)
{
    char *words[16] = { apr_pstrdup(pool, "usermgmtctl") };
    char *rest = NULL;
    int count = 1;

    for (char *word = apr_strtok(apr_pstrdup(pool, line), " ", &rest); word != NULL;
         word = apr_strtok(NULL, " ", &rest)) {
        words[count++] = word;
    }
    memset(options, 0, sizeof(*options));
    optind = 0;
    return um_options_read(options, count, words, pool);
}

static void options_stand_anywhere(void **state)
{
    um_options_t options;

    (void)state;
    assert_null(read_line(&options, "users --org=x import - --map a=b -v --map c=d -- --wait"));
    assert_int_equal(options.given, UM_OPTION_ORG | UM_OPTION_MAP | UM_OPTION_VERBOSE);
    assert_string_equal(um_options_value(&options, UM_OPTION_ORG), "x");
    assert_int_equal(options.words->nelts, 4);
    assert_string_equal(APR_ARRAY_IDX(options.words, 2, const char *), "-");
    assert_string_equal(APR_ARRAY_IDX(options.words, 3, const char *), "--wait");
    assert_int_equal(options.maps->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(options.maps, 1, const char *), "c=d");
    assert_int_equal(options.wait, 10);
}

static void wrong_options_are_named(void **state)
{
    static const struct {
        const char *line;
        const char *wrong;
    } cases[] = {
        { "--limit 5", "unknown option --limit" },
        { "--limit=5", "unknown option --limit" },
        { "-vx", "unknown option -x" },
        { "--wait", "--wait needs a value" },
        { "--resume=1", "--resume takes no value" },
        { "--org a --org b", "--org is given twice" },
        { "--map a", "--map must be COLUMN=NAME, not \"a\"" },
        { "--wait 3601", "--wait must be a number of seconds, 0 to 3600" },
        { "--older-than 90",
          "--older-than must be a time with a unit, such as 90d, 24h or 30min" },
    };
    um_options_t options;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(read_line(&options, cases[i].line), cases[i].wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(columns_are_found_by_their_names),
        WITH_SET_UP(headers_are_refused_with_the_reason),
        WITH_SET_UP(equal_errors_are_counted),
        WITH_SET_UP(many_kinds_of_errors_are_told),
        WITH_SET_UP(a_report_has_all),
        WITH_SET_UP(options_stand_anywhere),
        WITH_SET_UP(wrong_options_are_named),
    };

    return RUN("tool", tests);
}
