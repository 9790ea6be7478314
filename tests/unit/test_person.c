/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_person.c What identifies a person in a text, and how it is taken out of JSON. */

#include "unit.h"

#include "../../mod_usermgmt/base/address.h"
#include "../../mod_usermgmt/core/person.h"

#define UID "2z5BFJGvlcnd02grI3C7"
#define ERASED "erased-1"

static um_person_t person;

static int set_up(void **state)
{
    int failed = make_pool(state);

    um_person_init(&person, pool);
    um_person_add_uid(&person, UID);
    um_person_add_address(&person, "Ann.Example@B"
                                   "\xc3\xbc"
                                   "cher.example");
    um_person_add_key(&person, um_address_identity_key("Boss", pool));
    return failed;
}

static void an_address_is_found_in_a_text(void **state)
{
    static const char *const with[] = {
        "ann.example@xn--bcher-kva.example",
        "<ANN.EXAMPLE@xn--bcher-kva.EXAMPLE>",
        "550 ann.example@xn--bcher-kva.example.",
        "https://example.com/?mail=ann.example%40xn--bcher-kva.example&x=1",
        "to Ann.Example@b\xc3\xbc"
        "cher.example, and others",
        "/users/" UID,
        "/users/" UID "?erase=true",
        "{\"user_uid\":\"" UID "\"}",
    };
    static const char *const without[] = {
        "joann.example@xn--bcher-kva.example",
        "x-ann.example@xn--bcher-kva.example",
        "ann.example@xn--bcher-kva.example.com",
        "ann.example@xn--bcher-kva.examples",
        "ann.example",
        "/users/" UID "x",
        "/users/x" UID,
        "about " UID,
        "Boss",
        "",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(with); i++) {
        if (!um_person_is_in(&person, with[i])) {
            fail_msg("not found in %s", with[i]);
        }
    }
    for (size_t i = 0; i < COUNT(without); i++) {
        if (um_person_is_in(&person, without[i])) {
            fail_msg("found in %s", without[i]);
        }
    }
}

static void identities_are_compared_by_key(void **state)
{
    (void)state;
    assert_true(um_person_has_identity(&person,
                                       "ANN.example@B\xc3\x9c"
                                       "CHER.example",
                                       pool));
    assert_true(um_person_has_identity(&person, "boss", pool));
    assert_false(um_person_has_identity(&person,
                                        "ann@b\xc3\xbc"
                                        "cher.example",
                                        pool));
    assert_false(um_person_has_identity(&person, NULL, pool));
    assert_false(um_person_has_uid(&person, NULL));
    assert_false(um_person_has_key(&person, NULL));
}

static void what_is_about_the_person_is_erased(void **state)
{
    static const struct {
        const char *json;
        const char *erased;
    } cases[] = {
        { "{\"user_uid\":\"" UID "\",\"display_name\":\"Ann\"}", UM_ERASED_JSON },
        { "{\"email\":\"ANN.example@xn--bcher-kva.example\",\"phone\":\"1\"}", UM_ERASED_JSON },
        { "{\"email\":\"o@example.com\",\"inviter\":{\"user_uid\":\"" UID
          "\",\"display_name\":\"Ann\"},\"n\":1.0}",
          "{\"email\":\"o@example.com\",\"inviter\":" UM_ERASED_JSON ",\"n\":1.0}" },
        { "{\"user_uid\":\"x\",\"added_by\":\"BOSS\"}",
          "{\"user_uid\":\"x\",\"added_by\":\"" ERASED "\"}" },
        { "{\"user_uid\":\"x\",\"reply\":\"550 <ann.example@xn--bcher-kva.example> is full\"}",
          "{\"user_uid\":\"x\",\"reply\":\"" ERASED "\"}" },
        { "{\"user_uid\":\"x\",\"list\":[1,{\"y\":\"" UID "\"}],\"m\":{\"z\":[]}}",
          "{\"user_uid\":\"x\",\"list\":\"" ERASED "\",\"m\":{\"z\":[]}}" },
        { "ann.example@xn--bcher-kva.example", UM_ERASED_JSON },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(um_person_erase(&person, cases[i].json, ERASED, pool),
                            cases[i].erased);
    }
}

/* The same text comes back, so that nothing is written. */
static void what_is_of_others_stays(void **state)
{
    static const char *const others[] = {
        "{\"user_uid\":\"x\",\"email\":\"joann.example@xn--bcher-kva.example\"}",
        "{\"user_uid\":\"x\",\"display_name\":\"Boss\",\"added_by\":\"admin@example.com\"}",
        "{\"n\":1e2,\"text\":\"\\u00e9\"}",
        UM_ERASED_JSON,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_ptr_equal(um_person_erase(&person, others[i], ERASED, pool), others[i]);
    }
    assert_null(um_person_erase(&person, NULL, ERASED, pool));
}

/* Numbers that an import brought as uids are also those of other things. */
static void a_short_uid_counts_where_a_uid_stands(void **state)
{
    static const char *const others[] = {
        "{\"user_uid\":\"x\",\"shoeSize\":\"38\"}",
        "{\"user_uid\":\"x\",\"list\":[\"38\"],\"url\":\"https://example.com/38\"}",
        "{\"user_uid\":\"x\",\"m\":{\"size\":\"38\"},\"added_by\":\"38\"}",
    };

    (void)state;
    um_person_add_uid(&person, "38");
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_string_equal(um_person_erase(&person, others[i], ERASED, pool), others[i]);
        assert_false(um_person_is_in(&person, others[i]));
    }
    /* Beside what is erased. */
    assert_string_equal(um_person_erase(&person, "{\"shoeSize\":\"38\",\"x\":\"" UID "\"}",
                                        ERASED, pool),
                        "{\"shoeSize\":\"38\",\"x\":\"" ERASED "\"}");
    assert_string_equal(um_person_erase(&person, "{\"user_uid\":\"38\",\"a\":1}", ERASED, pool),
                        UM_ERASED_JSON);
    assert_true(um_person_is_in(&person, "/um/users/38"));
    assert_false(um_person_is_in(&person, "/um/users/381"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(an_address_is_found_in_a_text),
        WITH_SET_UP(identities_are_compared_by_key),
        WITH_SET_UP(what_is_about_the_person_is_erased),
        WITH_SET_UP(what_is_of_others_stays),
        WITH_SET_UP(a_short_uid_counts_where_a_uid_stands),
    };

    return RUN("person", tests);
}
