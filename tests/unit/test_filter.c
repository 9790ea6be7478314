/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_filter.c Filters and the paths of PATCH. */

#include "unit.h"

#include "../../mod_usermgmt/base/status.h"
#include "filter_text.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static const um_filter_t *parsed(const char *text)
{
    um_filter_t *filter = NULL;
    um_filter_error_t error = { NULL, 0 };

    if (um_filter_parse(&filter, &error, text, pool) != APR_SUCCESS) {
        fail_msg("%s is refused: %s", text, error.detail);
    }
    return filter;
}

static um_filter_target_t parsed_path(const char *text)
{
    um_filter_target_t target = { .sub = NULL };
    um_filter_error_t error = { NULL, 0 };

    if (um_filter_parse_path(&target, &error, text, pool) != APR_SUCCESS) {
        fail_msg("%s is refused: %s", text, error.detail);
    }
    return target;
}

static void assert_refused(const char *text, const char *detail, int position)
{
    um_filter_t *filter = NULL;
    um_filter_error_t error = { NULL, 0 };

    if (um_filter_parse(&filter, &error, text, pool) != UM_EINVALID) {
        fail_msg("%s is taken", text);
    }
    assert_null(filter);
    assert_string_equal(error.detail,
                        apr_psprintf(pool, "%s, at character %d.", detail, position));
    assert_int_equal(error.position, position);
}

/* ---- trees ---- */

static void each_operator_is_read_in_any_case(void **state)
{
    static const char *const names[] = { "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le" };

    (void)state;
    for (int i = 0; i < (int)COUNT(names); i++) {
        const um_filter_t *lower = parsed(apr_pstrcat(pool, "a ", names[i], " \"b\"", NULL));
        char *upper = apr_pstrdup(pool, names[i]);
        const um_filter_t *other;

        upper[0] = (char)(upper[0] - 'a' + 'A');
        other = parsed(apr_pstrcat(pool, "a ", upper, " \"b\"", NULL));
        assert_int_equal(lower->kind, UM_FILTER_COMPARE);
        assert_int_equal(lower->operation, i);
        assert_int_equal(other->operation, i);
        assert_string_equal(um_filter_operator(lower->operation), names[i]);
    }
    assert_int_equal(parsed("a pr")->kind, UM_FILTER_PRESENT);
    assert_int_equal(parsed("a PR")->kind, UM_FILTER_PRESENT);
}

static void and_binds_before_or(void **state)
{
    static const char *const cases[][2] = {
        { "a pr and b pr or c pr", "a pr and b pr or c pr" },
        { "a pr or b pr and c pr", "a pr or b pr and c pr" },
        { "(a pr and b pr) or c pr", "a pr and b pr or c pr" },
        { "a pr and (b pr or c pr)", "a pr and (b pr or c pr)" },
        { "(a pr or b pr) or (c pr or d pr)", "a pr or b pr or c pr or d pr" },
        { "a pr and (b pr and (c pr and d pr))", "a pr and b pr and c pr and d pr" },
        { "not (a pr) and b pr", "not (a pr) and b pr" },
        { "not (a pr and b pr) or c pr", "not (a pr and b pr) or c pr" },
        { "not (not (a pr))", "not (not (a pr))" },
        { "NOT(a pr)AND(b pr)Or(c pr)", "not (a pr) and b pr or c pr" },
        { " ( ( a\tpr )\r\nand b pr ) ", "a pr and b pr" },
        { "not pr", "not pr" },
        { "not eq 1 and and pr or or pr", "not eq 1 and and pr or or pr" },
    };
    const um_filter_t *filter = parsed("a pr and b pr and c pr or d pr");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(filter_text(parsed(cases[i][0]), pool), cases[i][1]);
    }
    assert_int_equal(filter->kind, UM_FILTER_OR);
    assert_int_equal(filter->first->kind, UM_FILTER_AND);
    assert_string_equal(filter->first->first->next->next->path.name, "c");
    assert_null(filter->first->first->next->next->next);
    assert_string_equal(filter->first->next->path.name, "d");
    assert_null(filter->first->next->next);
}

static void value_paths_are_of_elements(void **state)
{
    static const char *const cases[][2] = {
        { "emails[type eq \"work\"]", "emails[type eq \"work\"]" },
        { "emails[type eq \"work\"].value eq \"a\"",
          "emails[type eq \"work\" and value eq \"a\"]" },
        { "emails[a pr or b pr].value pr", "emails[(a pr or b pr) and value pr]" },
        { "emails[a pr and b pr].value pr", "emails[a pr and b pr and value pr]" },
        { "emails[not (a pr)].$ref ne null", "emails[not (a pr) and $ref ne null]" },
        { "emails[ a pr ] and b pr", "emails[a pr] and b pr" },
        { "emails[(a pr)]or(b pr)", "emails[a pr] or b pr" },
        { "not (urn:x:User:emails[a pr].b pr)", "not (urn:x:User:emails[a pr and b pr])" },
    };
    const um_filter_t *filter = parsed(ENTERPRISE ":addresses[type eq \"work\"]");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(filter_text(parsed(cases[i][0]), pool), cases[i][1]);
    }
    assert_int_equal(filter->kind, UM_FILTER_ELEMENT);
    assert_string_equal(filter->path.schema, ENTERPRISE);
    assert_string_equal(filter->path.attribute, "addresses");
    assert_int_equal(filter->first->kind, UM_FILTER_COMPARE);
    assert_string_equal(filter->first->path.name, "type");
    assert_int_equal(filter->first->path.position, (int)sizeof(ENTERPRISE ":addresses["));
}

static void names_are_taken_apart(void **state)
{
    static const struct {
        const char *filter;
        const char *schema;
        const char *name;
        const char *attribute;
        const char *sub;
    } cases[] = {
        { "userName pr", NULL, "userName", "userName", NULL },
        { "name.givenName pr", NULL, "name.givenName", "name", "givenName" },
        { "shoe.size.left pr", NULL, "shoe.size.left", "shoe", "size.left" },
        { "members.$ref pr", NULL, "members.$ref", "members", "$ref" },
        { "_a-b_1 pr", NULL, "_a-b_1", "_a-b_1", NULL },
        { ENTERPRISE ":department pr", ENTERPRISE, "department", "department", NULL },
        { ENTERPRISE ":manager.value pr", ENTERPRISE, "manager.value", "manager", "value" },
        { "URN:x:a pr", "URN:x", "a", "a", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const um_filter_path_t *path = &parsed(cases[i].filter)->path;

        assert_true(um_filter_same_name(path->schema, cases[i].schema));
        assert_string_equal(path->name, cases[i].name);
        assert_string_equal(path->attribute, cases[i].attribute);
        assert_true(um_filter_same_name(path->sub, cases[i].sub));
        assert_int_equal(path->position, 1);
    }
}

static void values_have_a_type(void **state)
{
    static const struct {
        const char *written;
        um_filter_type_t type;
        const char *text;
    } cases[] = {
        { "\"\"", UM_FILTER_TEXT, "" },
        { "\"true\"", UM_FILTER_TEXT, "true" },
        { "\"a \\\"b\\\" (c] \\\\\"", UM_FILTER_TEXT, "a \"b\" (c] \\" },
        { "\"\\u00e9\\ud83d\\ude00\\n\"", UM_FILTER_TEXT, E_ACUTE EMOJI "\n" },
        { "\"" E_ACUTE "\"", UM_FILTER_TEXT, E_ACUTE },
        { "0", UM_FILTER_NUMBER, "0" },
        { "-0.5E+3", UM_FILTER_NUMBER, "-0.5E+3" },
        { "9223372036854775807", UM_FILTER_NUMBER, "9223372036854775807" },
        { "1e2", UM_FILTER_NUMBER, "1e2" },
        { "true", UM_FILTER_TRUE, "true" },
        { "True", UM_FILTER_TRUE, "True" },
        { "FALSE", UM_FILTER_FALSE, "FALSE" },
        { "null", UM_FILTER_NULL, "null" },
        { "Null", UM_FILTER_NULL, "Null" },
        { "bob@x.com", UM_FILTER_TOKEN, "bob@x.com" },
        { "O'Brien,jr", UM_FILTER_TOKEN, "O'Brien,jr" },
        { "X\\bob", UM_FILTER_TOKEN, "X\\bob" },
        { "2011-05-13T04:42:34Z", UM_FILTER_TOKEN, "2011-05-13T04:42:34Z" },
        { "+47", UM_FILTER_TOKEN, "+47" },
        { "007", UM_FILTER_TOKEN, "007" },
        { "1.", UM_FILTER_TOKEN, "1." },
        { ".5", UM_FILTER_TOKEN, ".5" },
        { "1e", UM_FILTER_TOKEN, "1e" },
        { "1x", UM_FILTER_TOKEN, "1x" },
        { "-", UM_FILTER_TOKEN, "-" },
        { "truer", UM_FILTER_TOKEN, "truer" },
        { E_ACUTE, UM_FILTER_TOKEN, E_ACUTE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const um_filter_t *filter = parsed(apr_pstrcat(pool, "(a eq ", cases[i].written, ")",
                                                       NULL));

        assert_int_equal(filter->value.type, cases[i].type);
        assert_string_equal(filter->value.text, cases[i].text);
    }
}

/* ---- what is refused ---- */

static void what_is_not_understood_is_refused_with_its_position(void **state)
{
    static const struct {
        const char *filter;
        const char *detail;
        int position;
    } cases[] = {
        { "", "The name of an attribute is missing", 1 },
        { "  ", "The name of an attribute is missing", 3 },
        { "a", "An operator is missing", 2 },
        { "a ", "The operator is none of eq ne co sw ew gt ge lt le pr", 3 },
        { "a like \"b\"", "The operator is none of eq ne co sw ew gt ge lt le pr", 3 },
        { "a eq:x \"b\"", "The operator is none of eq ne co sw ew gt ge lt le pr", 3 },
        { "a = \"b\"", "The operator is none of eq ne co sw ew gt ge lt le pr", 3 },
        { "a eq", "A value is missing", 5 },
        { "a eq ", "A value is missing", 6 },
        { "a eq\"b\"", "A value is missing", 5 },
        { "a eq )", "A value is missing", 6 },
        { "a eq \"b", "The quotes that begin here do not end", 6 },
        { "a eq \"b\\\"", "The quotes that begin here do not end", 6 },
        { "a eq \"\\x\"", "That is not a string of JSON", 6 },
        { "a eq \"\\ud800\"", "That is not a string of JSON", 6 },
        { "a eq \"\\u0000\"", "That is not a string of JSON", 6 },
        { "a eq \"\n\"", "That is not a string of JSON", 6 },
        { "a eq 'b'", "A text stands in double quotes", 6 },
        { "a eq \x01", "The value has a control character", 6 },
        { "a eq 1e400", "The number is out of range", 6 },
        { "a eq 9223372036854775808", "The number is out of range", 6 },
        { "a gt null", "null is compared by eq and ne alone", 6 },
        { "a eq \"b\"c", "The value should end before this", 9 },
        { "a eq b\"c\"", "The value should end before this", 7 },
        { "a eq b(c)", "The value should end before this", 7 },
        { "a eq \"b\" c", "and or or should stand here", 10 },
        { "a pr b pr", "and or or should stand here", 6 },
        { "a pr andb pr", "and or or should stand here", 6 },
        { "a pr)", "and or or should stand here", 5 },
        { "a pr]", "and or or should stand here", 5 },
        { "a pr and", "The name of an attribute is missing", 9 },
        { "a pr or or b pr", "The operator is none of eq ne co sw ew gt ge lt le pr", 12 },
        { "not a pr", "The operator is none of eq ne co sw ew gt ge lt le pr", 5 },
        { "(a pr", "and, or, or the parenthesis ) is missing", 6 },
        { "(a pr]", "and, or, or the parenthesis ) is missing", 6 },
        { "()", "The name of an attribute is missing", 2 },
        { "a[b pr", "and, or, or the bracket ] is missing", 7 },
        { "a[b pr)", "and, or, or the bracket ] is missing", 7 },
        { "a[]", "The name of an attribute is missing", 3 },
        { "a[b[c pr]]", "There must be no brackets in brackets", 4 },
        { "a.b[c pr]", "There are no brackets behind a sub-attribute", 4 },
        { "a[b pr].", "The name of an attribute is missing", 9 },
        { "a[b pr].c", "An operator is missing", 10 },
        { "a[b pr].c.d pr", "Behind the brackets stands one name", 9 },
        { "a[b pr] eq 1", "and or or should stand here", 9 },
        { "a [b pr]", "The operator is none of eq ne co sw ew gt ge lt le pr", 3 },
        { "1a pr", "That is not the name of an attribute", 1 },
        { "-a pr", "That is not the name of an attribute", 1 },
        { ".a pr", "That is not the name of an attribute", 1 },
        { "a. pr", "That is not the name of an attribute", 1 },
        { "a..b pr", "That is not the name of an attribute", 1 },
        { "x:a pr", "That is not the name of an attribute", 1 },
        { "urn:a pr", "That is not the name of an attribute", 1 },
        { "urn::a pr", "That is not the name of an attribute", 1 },
        { "urn:x: pr", "That is not the name of an attribute", 1 },
        { "\"a\" pr", "The name of an attribute is missing", 1 },
        { E_ACUTE " pr", "The name of an attribute is missing", 1 },
        { "a eq \"" E_ACUTE EMOJI "\" x", "and or or should stand here", 11 },
        { "a eq \"\xff\"", "The text is not UTF-8", 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_refused(cases[i].filter, cases[i].detail, cases[i].position);
    }
}

static void a_resolver_refuses_with_the_position_of_its_path(void **state)
{
    um_filter_error_t error = { NULL, 0 };
    const um_filter_t *filter = parsed("a pr and nobody eq 1");

    (void)state;
    assert_int_equal(um_filter_refuse(&error, &filter->first->next->path, "No", pool),
                     UM_EINVALID);
    assert_string_equal(error.detail, "No, at character 10.");
    assert_int_equal(error.position, 10);
}

/* ---- limits ---- */

static void filters_have_at_most_4096_bytes(void **state)
{
    const char *most = apr_pstrcat(pool, "a eq \"", times(4089, "x"), "\"", NULL);

    (void)state;
    assert_int_equal(strlen(most), UM_FILTER_MAX);
    assert_int_equal(strlen(parsed(most)->value.text), 4089);
    assert_refused(apr_pstrcat(pool, most, " ", NULL), "There are more than 4,096 bytes", 1);
}

/* The levels of a tree. */
static int count_levels(const um_filter_t *filter)
{
    int most = 0;

    for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
        int levels = count_levels(term);

        most = levels > most ? levels : most;
    }
    return most + 1;
}

/* Parentheses around a filter, each of which adds as many levels as it can. */
static const char *nested(const char *inner, int count)
{
    return apr_pstrcat(pool, times(count, "x pr or x pr and not ("), inner, times(count, ")"),
                       NULL);
}

static void parentheses_are_at_most_16_deep(void **state)
{
    (void)state;
    parsed(apr_pstrcat(pool, times(16, "("), "a pr", times(16, ")"), NULL));
    assert_refused(apr_pstrcat(pool, times(17, "("), "a pr", times(17, ")"), NULL),
                   "There are more than 16 levels of parentheses", 17);
    parsed(apr_pstrcat(pool, times(15, "not ("), "a[b pr]", times(15, ")"), NULL));
    assert_refused(apr_pstrcat(pool, times(16, "("), "a[b pr]", times(16, ")"), NULL),
                   "There are more than 16 levels of parentheses", 18);
    /* Parentheses that are closed again are not deep. */
    parsed(apr_pstrcat(pool, times(50, "((a pr)) or "), "a pr", NULL));
}

static void trees_have_a_bounded_number_of_levels(void **state)
{
    const char *leaf = "x pr or x pr and x pr";

    (void)state;
    assert_int_equal(count_levels(parsed(nested(leaf, 16))), 51);
    assert_int_equal(count_levels(parsed(nested("x pr or x pr and a[x pr or x pr and x pr].b pr",
                                                15))),
                     UM_FILTER_MAX_LEVELS);
}

static void filters_have_at_most_64_comparisons(void **state)
{
    const char *most = times(63, "a pr or ");

    (void)state;
    parsed(apr_pstrcat(pool, most, "a eq 1", NULL));
    assert_refused(apr_pstrcat(pool, most, "a pr and b eq 1", NULL),
                   "There are more than 64 comparisons", 63 * 8 + 12);
    assert_refused(apr_pstrcat(pool, most, "a[b pr].c pr", NULL),
                   "There are more than 64 comparisons", 63 * 8 + 11);
}

/* ---- paths ---- */

static void paths_lead_to_attributes(void **state)
{
    static const struct {
        const char *path;
        const char *schema;
        const char *attribute;
        const char *filter;
        const char *sub;
    } cases[] = {
        { "userName", NULL, "userName", NULL, NULL },
        { " name.familyName ", NULL, "name", NULL, "familyName" },
        { "members.$ref", NULL, "members", NULL, "$ref" },
        { "emails[type eq \"work\"]", NULL, "emails", "type eq \"work\"", NULL },
        { "emails[type eq \"work\" and not (primary eq True)].value", NULL, "emails",
          "type eq \"work\" and not (primary eq True)", "value" },
        { ENTERPRISE ":manager.value", ENTERPRISE, "manager", NULL, "value" },
        { "urn:ietf:params:scim:schemas:core:2.0:User:emails[value pr].type",
          "urn:ietf:params:scim:schemas:core:2.0:User", "emails", "value pr", "type" },
        { ENTERPRISE, "urn:ietf:params:scim:schemas:extension:enterprise:2.0", "User", NULL,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        um_filter_target_t target = parsed_path(cases[i].path);

        assert_true(um_filter_same_name(target.path.schema, cases[i].schema));
        assert_string_equal(target.path.attribute, cases[i].attribute);
        assert_true(um_filter_same_name(target.sub, cases[i].sub));
        assert_int_equal(target.filter == NULL, cases[i].filter == NULL);
        if (target.filter != NULL) {
            assert_string_equal(filter_text(target.filter, pool), cases[i].filter);
        }
    }
    assert_string_equal(parsed_path(ENTERPRISE).path.text, ENTERPRISE);
}

static void what_is_no_path_is_refused(void **state)
{
    static const struct {
        const char *path;
        const char *detail;
    } cases[] = {
        { "", "The name of an attribute is missing, at character 1." },
        { "a b", "The path should end before this, at character 3." },
        { "a eq 1", "The path should end before this, at character 3." },
        { "a[b pr]c", "The path should end before this, at character 8." },
        { "a[b pr].c.d", "Behind the brackets stands one name, at character 9." },
        { "a[b pr].c[d pr]", "The path should end before this, at character 10." },
        { "a.b[c pr]", "There are no brackets behind a sub-attribute, at character 4." },
        { "a[b pr", "and, or, or the bracket ] is missing, at character 7." },
        { "a[0]", "That is not the name of an attribute, at character 3." },
        { "a[]", "The name of an attribute is missing, at character 3." },
        { "/a/b", "The name of an attribute is missing, at character 1." },
        { "a..b", "That is not the name of an attribute, at character 1." },
        { "\xff", "The text is not UTF-8, at character 1." },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        um_filter_target_t target;
        um_filter_error_t error = { NULL, 0 };

        assert_int_equal(um_filter_parse_path(&target, &error, cases[i].path, pool), UM_EINVALID);
        assert_string_equal(error.detail, cases[i].detail);
    }
}

static void names_are_compared_without_case(void **state)
{
    (void)state;
    assert_true(um_filter_same_name("userName", "USERNAME"));
    assert_false(um_filter_same_name("userName", "userNam"));
    assert_false(um_filter_same_name("userName", NULL));
    assert_false(um_filter_same_name(NULL, ""));
    assert_true(um_filter_same_name(NULL, NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(each_operator_is_read_in_any_case),
        WITH_POOL(and_binds_before_or),
        WITH_POOL(value_paths_are_of_elements),
        WITH_POOL(names_are_taken_apart),
        WITH_POOL(values_have_a_type),
        WITH_POOL(what_is_not_understood_is_refused_with_its_position),
        WITH_POOL(a_resolver_refuses_with_the_position_of_its_path),
        WITH_POOL(filters_have_at_most_4096_bytes),
        WITH_POOL(parentheses_are_at_most_16_deep),
        WITH_POOL(trees_have_a_bounded_number_of_levels),
        WITH_POOL(filters_have_at_most_64_comparisons),
        WITH_POOL(paths_lead_to_attributes),
        WITH_POOL(what_is_no_path_is_refused),
        WITH_POOL(names_are_compared_without_case),
    };

    return RUN("filter", tests);
}
