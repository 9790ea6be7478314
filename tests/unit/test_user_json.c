/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_user_json.c The user as JSON: bodies read, answers written. */

#include "unit.h"

#include "../../mod_usermgmt/api/user_json.h"

#define REQUIRED "\"email\":\"a@b.co\",\"display_name\":\"A\""

static um_faults_t faults;
static um_user_t user;

static int set_up(void **state)
{
    make_pool(state);
    faults.pool = pool;
    faults.list = NULL;
    memset(&user, 0, sizeof(user));
    return 0;
}

static const um_json_t *parse(const char *text)
{
    um_json_error_t error;
    um_json_t *json = NULL;

    if (um_json_parse(&json, &error, text, strlen(text), pool) != APR_SUCCESS) {
        fail_msg("%s: %s", text, error.detail);
    }
    return json;
}

/* The faults as "field:code " one after the other. */
static const char *told(void)
{
    const char *text = "";

    for (int i = 0; faults.list != NULL && i < faults.list->nelts; i++) {
        const um_fault_t *fault = &APR_ARRAY_IDX(faults.list, i, um_fault_t);

        text = apr_pstrcat(pool, text, fault->field, ":", fault->code, " ", NULL);
    }
    faults.list = NULL;
    return text;
}

static const char *create(const char *body)
{
    um_user_input_t input;

    memset(&user, 0, sizeof(user));
    um_user_input_read(&input, parse(body));
    um_user_input_create(&user, &input, &faults);
    return told();
}

/* ---- create ---- */

static void a_user_needs_an_email_and_a_name(void **state)
{
    (void)state;
    assert_string_equal(create("{}"), "email:required display_name:required ");
    assert_string_equal(create("{\"email\":\"a@b.co\"}"), "display_name:required ");
    assert_string_equal(create("{\"email\":null,\"display_name\":null}"),
                        "email:required display_name:required ");
    assert_string_equal(create("{\"email\":1,\"display_name\":[\"A\"],\"phone\":{}}"),
                        "email:invalid_type display_name:invalid_type phone:invalid_type ");
    assert_string_equal(create("{\"email\":true,\"display_name\":0.5,\"phone\":false}"),
                        "email:invalid_type display_name:invalid_type phone:invalid_type ");
}

static void what_is_given_is_kept(void **state)
{
    (void)state;
    assert_string_equal(create("{" REQUIRED "}"), "");
    assert_string_equal(user.email, "a@b.co");
    assert_string_equal(user.display_name, "A");
    assert_null(user.phone);
    assert_string_equal(user.attributes, "{}");
    assert_string_equal(create("{\"display_name\":\" \\u00a0" E_ACUTE " " EMOJI "\\t\",\"phone\":"
                               "\"+1 (2) 3-4.5\",\"email\":\"A.B@Example.COM\"}"),
                        "");
    assert_string_equal(user.email, "A.B@Example.COM");
    assert_string_equal(user.display_name, E_ACUTE " " EMOJI);
    assert_string_equal(user.phone, "+1 (2) 3-4.5");
    assert_string_equal(create("{" REQUIRED ",\"phone\":null}"), "");
    assert_null(user.phone);
}

static void a_user_is_active_unless_said_otherwise(void **state)
{
    (void)state;
    assert_string_equal(create("{" REQUIRED "}"), "");
    assert_false(user.is_suspended);
    assert_string_equal(create("{" REQUIRED ",\"active\":true}"), "");
    assert_false(user.is_suspended);
    assert_string_equal(create("{" REQUIRED ",\"active\":null}"), "");
    assert_false(user.is_suspended);
    assert_string_equal(create("{" REQUIRED ",\"active\":false}"), "");
    assert_true(user.is_suspended);
    assert_string_equal(create("{" REQUIRED ",\"active\":\"false\"}"), "active:invalid_type ");
    assert_string_equal(create("{" REQUIRED ",\"active\":0}"), "active:invalid_type ");
}

static void members_break_rules(void **state)
{
    (void)state;
    assert_string_equal(create("{\"email\":\"a\",\"display_name\":\"\",\"phone\":\"\"}"),
                        "email:invalid_email display_name:required phone:invalid_phone ");
    assert_string_equal(create("{\"email\":\"\",\"display_name\":\" \\u3000 \",\"phone\":\"x\"}"),
                        "email:required display_name:required phone:invalid_phone ");
    assert_string_equal(create("{" REQUIRED ",\"x y\":1,\"\":2,\"9\":3,\"" E_ACUTE
                               "\":4,\"ok\":5}"),
                        "x y:invalid_name :invalid_name 9:invalid_name " E_ACUTE
                        ":invalid_name ");
}

static void what_the_server_sets_cannot_be_sent(void **state)
{
    (void)state;
    assert_string_equal(create("{" REQUIRED ",\"user_uid\":\"x\",\"role\":\"user\","
                               "\"created_at\":\"\",\"updated_at\":1}"),
                        "user_uid:read_only role:read_only created_at:read_only "
                        "updated_at:read_only ");
    assert_string_equal(create("{" REQUIRED ",\"user_uid\":null,\"role\":null,"
                               "\"created_at\":null,\"updated_at\":null}"),
                        "");
}

static void attributes_are_kept_as_they_were_sent(void **state)
{
    const char *attributes = "\"height\":175,\"weight\":68,\"age\":\"23\",\"ycom\":0.95,"
                             "\"leg_length\":0.91,\"shoeSize\":\"7\",\"brand\":\"" E_ACUTE "\","
                             "\"big\":9007199254740993,\"real\":1.0,\"tree\":{\"b\":[1,null,{}],"
                             "\"a\":\"" EMOJI "\"},\"yes\":true,\"Nickname\":\"x\",\"_.-\":\"\"";

    (void)state;
    assert_string_equal(create(apr_pstrcat(pool, "{", attributes, "," REQUIRED "}", NULL)), "");
    assert_string_equal(user.attributes, apr_pstrcat(pool, "{", attributes, "}", NULL));
    assert_string_equal(create("{\"a\":null," REQUIRED ",\"b\":1,\"c\":null}"), "");
    assert_string_equal(user.attributes, "{\"b\":1}");
}

static const char *attributes_of_number(int count)
{
    const char *text = "";

    for (int i = 0; i < count; i++) {
        text = apr_psprintf(pool, "%s\"a%d\":%d,", text, i, i);
    }
    return text;
}

static void attributes_have_limits(void **state)
{
    /* {"a":"…"} is eight bytes beside the text. */
    const char *fits = times(UM_ATTRIBUTES_MAX_BYTES - 8, "x");

    (void)state;
    assert_string_equal(create(apr_pstrcat(pool, "{", attributes_of_number(64), REQUIRED "}",
                                           NULL)),
                        "");
    assert_string_equal(create(apr_pstrcat(pool, "{", attributes_of_number(65), REQUIRED "}",
                                           NULL)),
                        "attributes:too_many_attributes ");
    assert_string_equal(create(apr_pstrcat(pool, "{", attributes_of_number(64),
                                           "\"n\":null," REQUIRED "}", NULL)),
                        "");
    assert_string_equal(create(apr_pstrcat(pool, "{\"a\":\"", fits, "\"," REQUIRED "}", NULL)),
                        "");
    assert_int_equal(strlen(user.attributes), UM_ATTRIBUTES_MAX_BYTES);
    assert_string_equal(create(apr_pstrcat(pool, "{\"a\":\"x", fits, "\"," REQUIRED "}", NULL)),
                        "attributes:attributes_too_large ");
    /* White space and escapes of the body are not stored. */
    assert_string_equal(create(apr_pstrcat(pool, "{\"a\":\"", times(5000, "\\u00e9"), "\"  ,",
                                           REQUIRED "}", NULL)),
                        "");
}

/* ---- update ---- */

static const um_user_t stored_user = {
    .uid = "000000000000000000ab",
    .email = "a@b.co",
    .display_name = "A",
    .phone = "123",
    .created_at = 1733167050371,
    .updated_at = 1733167050372,
    .version = 7,
    .attributes = "{\"a\":1,\"b\":\"two\",\"c\":{\"d\":0.95}}",
};

static int changed;

/* The faults of an update; user is what it makes of the stored one. */
static const char *update_stored(const um_user_t *stored, const char *body)
{
    um_user_input_t input;

    um_user_input_read(&input, parse(body));
    um_user_input_check_update(&input, &faults);
    if (faults.list == NULL) {
        assert_int_equal(um_user_input_update(&user, &changed, stored, &input, &faults),
                         APR_SUCCESS);
    }
    return told();
}

static const char *update(const char *body)
{
    return update_stored(&stored_user, body);
}

static void what_is_not_named_stays(void **state)
{
    (void)state;
    assert_string_equal(update("{}"), "");
    assert_false(changed);
    assert_memory_equal(&user.created_at, &stored_user.created_at, sizeof(apr_int64_t));
    assert_string_equal(user.attributes, stored_user.attributes);
    assert_string_equal(update("{\"display_name\":\" B \"}"), "");
    assert_true(changed);
    assert_string_equal(user.display_name, "B");
    assert_string_equal(user.email, "a@b.co");
    assert_string_equal(user.phone, "123");
    assert_string_equal(user.attributes, stored_user.attributes);
}

static void a_user_is_suspended_and_active_again(void **state)
{
    (void)state;
    assert_string_equal(update("{\"active\":true}"), "");
    assert_false(changed);
    assert_string_equal(update("{\"active\":null}"), "");
    assert_false(changed);
    assert_string_equal(update("{\"active\":false}"), "");
    assert_true(changed);
    assert_true(user.is_suspended);
    assert_string_equal(update("{\"active\":1}"), "active:invalid_type ");
}

static void a_user_as_it_is_given_changes_nothing(void **state)
{
    (void)state;
    assert_string_equal(update(um_user_json(&stored_user, pool)), "");
    assert_false(changed);
    assert_string_equal(
        update("{\"c\":{\"d\":0.95},\"b\":\"tw\\u006f\",\"a\":1,\"phone\":\"123\","
               "\"display_name\":\"A \",\"email\":\"a@b.co\"}"),
        "");
    assert_false(changed);
}

static void every_member_can_change(void **state)
{
    static const struct {
        const char *body;
        const char *attributes;
        /* clang-format off */
    } cases[] = {
        { "{\"email\":\"A@b.co\"}", NULL },
        { "{\"phone\":\"124\"}", NULL },
        { "{\"phone\":null}", NULL },
        { "{\"display_name\":\"a\"}", NULL },
        { "{\"a\":2}", "{\"a\":2,\"b\":\"two\",\"c\":{\"d\":0.95}}" },
        { "{\"a\":1.0}", "{\"a\":1.0,\"b\":\"two\",\"c\":{\"d\":0.95}}" },
        { "{\"a\":null}", "{\"b\":\"two\",\"c\":{\"d\":0.95}}" },
        { "{\"e\":[],\"b\":{}}", "{\"a\":1,\"b\":{},\"c\":{\"d\":0.95},\"e\":[]}" },
        { "{\"a\":null,\"b\":null,\"c\":null}", "{}" },
        { "{\"a\":null,\"b\":null,\"c\":null,\"z\":0}", "{\"z\":0}" },
        { "{\"c\":{}}", "{\"a\":1,\"b\":\"two\",\"c\":{}}" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(update(cases[i].body), "");
        assert_true(changed);
        assert_string_equal(user.attributes, cases[i].attributes != NULL
                                                 ? cases[i].attributes
                                                 : stored_user.attributes);
    }
    assert_string_equal(update("{\"nothing\":null}"), "");
    assert_false(changed);
    assert_string_equal(update("{\"phone\":null}"), "");
    assert_null(user.phone);
}

static void an_update_breaks_rules(void **state)
{
    (void)state;
    assert_string_equal(update("{\"email\":null,\"display_name\":null}"),
                        "email:required display_name:required ");
    assert_string_equal(
        update("{\"email\":\"x\",\"display_name\":\"\\u0007\",\"phone\":1,\"\":0}"),
        "email:invalid_email display_name:control_character "
        "phone:invalid_type :invalid_name ");
    assert_string_equal(update("{\"x y\":null}"), "x y:invalid_name ");
}

static void read_only_members_must_be_what_is_stored(void **state)
{
    (void)state;
    assert_string_equal(update("{\"user_uid\":\"000000000000000000ab\",\"role\":\"user\","
                               "\"created_at\":\"2024-12-02T19:17:30.371Z\","
                               "\"updated_at\":\"2024-12-02T19:17:30.372Z\"}"),
                        "");
    assert_string_equal(update("{\"user_uid\":\"x\",\"role\":\"sub_admin\","
                               "\"created_at\":\"2024-12-02T19:17:30.372Z\"}"),
                        "user_uid:read_only role:read_only created_at:read_only ");
    assert_string_equal(update("{\"created_at\":[],\"updated_at\":1733167050372}"),
                        "created_at:read_only updated_at:read_only ");
    assert_string_equal(update("{\"user_uid\":null,\"role\":null,\"created_at\":null,"
                               "\"updated_at\":null,\"active\":null}"),
                        "");
    assert_string_equal(update("{\"updated_at\":\"2024-12-02T19:17:30.371Z\"}"),
                        "updated_at:read_only ");
}

static void what_no_user_can_have_is_told_with_all_else(void **state)
{
    (void)state;
    assert_string_equal(update("{\"email\":\"bad\",\"phone\":\"x\",\"role\":\"admin\","
                               "\"created_at\":5,\"updated_at\":\"x\",\"x y\":1}"),
                        "email:invalid_email phone:invalid_phone role:read_only "
                        "created_at:read_only updated_at:read_only x y:invalid_name ");
    assert_string_equal(update("{\"email\":1,\"role\":0,\"created_at\":"
                               "\"2024-12-02T19:17:30.3710Z\",\"updated_at\":"
                               "\"2024-12-02T20:17:30.372+01:00\"}"),
                        "email:invalid_type role:read_only created_at:read_only "
                        "updated_at:read_only ");
    assert_string_equal(
        update("{\"email\":1,\"role\":\"sub_admin\",\"active\":true,\"created_at\":"
               "\"2024-12-02T19:17:30.372Z\"}"),
        "email:invalid_type ");
}

static void a_stored_attribute_with_a_reserved_name_can_be_removed(void **state)
{
    um_user_t stored = stored_user;

    (void)state;
    stored.attributes = "{\"password\":\"x\",\"a\":1,\"x y\":2}";
    assert_string_equal(update_stored(&stored, "{\"password\":null}"), "");
    assert_string_equal(user.attributes, "{\"a\":1,\"x y\":2}");
    assert_true(changed);
    assert_string_equal(update_stored(&stored, "{\"x y\":null,\"b\":null}"), "");
    assert_string_equal(user.attributes, "{\"password\":\"x\",\"a\":1}");
    assert_string_equal(update_stored(&stored, "{\"a\":null,\"pwd\":null,\"x z\":null}"),
                        "pwd:reserved_name x z:invalid_name ");
    assert_string_equal(update_stored(&stored, "{\"password\":\"x\"}"),
                        "password:reserved_name ");
}

static void an_update_keeps_the_limits_of_attributes(void **state)
{
    const char *most = attributes_of_number(61);

    (void)state;
    assert_string_equal(update(apr_pstrcat(pool, "{", most, "\"z\":null}", NULL)), "");
    assert_string_equal(update(apr_pstrcat(pool, "{", most, "\"z\":1}", NULL)),
                        "attributes:too_many_attributes ");
    assert_string_equal(update(apr_pstrcat(pool, "{", most, "\"z\":1,\"a\":null}", NULL)), "");
    assert_string_equal(update(apr_pstrcat(pool, "{\"z\":\"", times(16384, "x"), "\"}", NULL)),
                        "attributes:attributes_too_large ");
}

/* They are written before the stored user is known, and no longer than they may be. */
static void what_can_never_fit_is_refused_early(void **state)
{
    const char *large = apr_pstrcat(pool, "{\"a\":[0", times(4000, ",5e-324"), "],\"b\":[[0",
                                    times(5900, ",0"), "]],\"c\":1,\"email\":1}", NULL);
    apr_size_t length = 0;
    um_user_input_t input;

    (void)state;
    um_user_input_read(&input, parse(large));
    um_user_input_check_update(&input, &faults);
    assert_string_equal(told(), "email:invalid_type attributes:attributes_too_large ");
    for (int i = 0; i < input.attributes->nelts; i++) {
        length += APR_ARRAY_IDX(input.attributes, i, um_json_member_text_t).length;
    }
    assert_true(length > UM_ATTRIBUTES_MAX_BYTES && length < UM_ATTRIBUTES_MAX_BYTES + 100);
    um_user_input_read(&input, parse(apr_pstrcat(pool, "{", attributes_of_number(65), "\"b\":\"",
                                                 times(16384, "x"), "\"}", NULL)));
    um_user_input_check_update(&input, &faults);
    assert_string_equal(told(),
                        "attributes:too_many_attributes attributes:attributes_too_large ");
    um_user_input_read(&input, parse(apr_pstrcat(pool, "{", attributes_of_number(64),
                                                 "\"b\":null,\"c\":null}", NULL)));
    um_user_input_check_update(&input, &faults);
    assert_string_equal(told(), "");
}

static void stored_attributes_that_cannot_be_read_are_an_error(void **state)
{
    static const char *const broken[] = { "", "{", "[]", "{\"a\":1", "{\"a\":\"}" };
    um_user_input_t input;

    (void)state;
    um_user_input_read(&input, parse("{}"));
    um_user_input_check_update(&input, &faults);
    for (size_t i = 0; i < COUNT(broken); i++) {
        um_user_t stored = stored_user;

        stored.attributes = broken[i];
        assert_int_equal(um_user_input_update(&user, &changed, &stored, &input, &faults),
                         APR_EGENERAL);
    }
}

/* ---- answers ---- */

static void a_user_is_written_flat(void **state)
{
    um_user_t written = stored_user;

    (void)state;
    assert_string_equal(
        um_user_json(&written, pool),
        "{\"user_uid\":\"000000000000000000ab\",\"email\":\"a@b.co\","
        "\"display_name\":\"A\",\"phone\":\"123\",\"role\":\"user\",\"active\":true,"
        "\"created_at\":\"2024-12-02T19:17:30.371Z\","
        "\"updated_at\":\"2024-12-02T19:17:30.372Z\","
        "\"a\":1,\"b\":\"two\",\"c\":{\"d\":0.95}}");
    written.phone = NULL;
    written.is_sub_admin = 1;
    written.is_suspended = 1;
    written.attributes = "{}";
    written.display_name = "\"" E_ACUTE "\\";
    assert_string_equal(um_user_json(&written, pool),
                        "{\"user_uid\":\"000000000000000000ab\",\"email\":\"a@b.co\","
                        "\"display_name\":\"\\\"" E_ACUTE
                        "\\\\\",\"role\":\"sub_admin\",\"active\":false,"
                        "\"created_at\":\"2024-12-02T19:17:30.371Z\","
                        "\"updated_at\":\"2024-12-02T19:17:30.372Z\"}");
}

static void an_answer_has_the_user_and_its_tag(void **state)
{
    um_answer_t answer;

    (void)state;
    um_answer_init(&answer, pool);
    um_user_json_answer(&answer, 201, &stored_user, pool);
    assert_int_equal(answer.status, 201);
    assert_int_equal(answer.length, strlen(answer.body));
    assert_string_equal(answer.body, apr_pstrcat(pool, "{\"userData\":",
                                                 um_user_json(&stored_user, pool), "}", NULL));
    assert_string_equal(apr_table_get(answer.headers, "ETag"), um_user_etag(&stored_user, pool));
}

static void the_tag_changes_with_the_user(void **state)
{
    um_user_t other = stored_user;
    const char *etag = um_user_etag(&stored_user, pool);

    (void)state;
    assert_string_equal(um_user_etag(&other, pool), etag);
    assert_true(etag[0] == '"' && etag[strlen(etag) - 1] == '"');
    other.version++;
    assert_string_not_equal(um_user_etag(&other, pool), etag);
    other = stored_user;
    other.is_sub_admin = 1;
    assert_string_not_equal(um_user_etag(&other, pool), etag);
    other = stored_user;
    other.updated_at++;
    assert_string_not_equal(um_user_etag(&other, pool), etag);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_SET_UP(a_user_needs_an_email_and_a_name),
        WITH_SET_UP(what_is_given_is_kept),
        WITH_SET_UP(a_user_is_active_unless_said_otherwise),
        WITH_SET_UP(members_break_rules),
        WITH_SET_UP(what_the_server_sets_cannot_be_sent),
        WITH_SET_UP(attributes_are_kept_as_they_were_sent),
        WITH_SET_UP(attributes_have_limits),
        WITH_SET_UP(what_is_not_named_stays),
        WITH_SET_UP(a_user_is_suspended_and_active_again),
        WITH_SET_UP(a_user_as_it_is_given_changes_nothing),
        WITH_SET_UP(every_member_can_change),
        WITH_SET_UP(an_update_breaks_rules),
        WITH_SET_UP(read_only_members_must_be_what_is_stored),
        WITH_SET_UP(what_no_user_can_have_is_told_with_all_else),
        WITH_SET_UP(a_stored_attribute_with_a_reserved_name_can_be_removed),
        WITH_SET_UP(an_update_keeps_the_limits_of_attributes),
        WITH_SET_UP(what_can_never_fit_is_refused_early),
        WITH_SET_UP(stored_attributes_that_cannot_be_read_are_an_error),
        WITH_SET_UP(a_user_is_written_flat),
        WITH_SET_UP(an_answer_has_the_user_and_its_tag),
        WITH_SET_UP(the_tag_changes_with_the_user),
    };

    return RUN("user_json", tests);
}
