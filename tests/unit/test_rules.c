/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_rules.c What the members of a user may be. */

#include "unit.h"

#include "../../mod_usermgmt/core/rules.h"

typedef const um_violation_t *check_t(const char *text);

/* Each shows nothing: space, no-break space, soft hyphen, zero-width space, mark of byte
 * order, empty braille pattern, Hangul fillers, a selector, several of them. */
/* clang-format off */
static const char *const blanks[] = {
    " ", "\xc2\xa0", "\xc2\xad", "\xe2\x80\x8b", "\xef\xbb\xbf", "\xe2\xa0\x80",
    "\xe3\x85\xa4", "\xe1\x85\x9f", "\xe1\x85\xa0", "\xef\xbe\xa0", "\xef\xb8\x8f",
    "\xe3\x80\x80\xe2\xa0\x80\xc2\xad",
};
/* clang-format on */

/* code is NULL where the text is good. */
static void assert_code(check_t *check, const char *text, const char *code)
{
    const um_violation_t *violation = check(text);
    const char *found = violation != NULL ? violation->code : "good";

    if (strcmp(found, code != NULL ? code : "good") != 0) {
        fail_msg("\"%s\": %s instead of %s", text, found, code != NULL ? code : "good");
    }
    if (violation != NULL) {
        assert_int_equal(violation->detail[strlen(violation->detail) - 1], '.');
    }
}

static void display_names(void **state)
{
    /* clang-format off */
    static const char *const good[] = { "A", "Zo\xc3\xab O'Neil-Smith, Jr.", "<b>&\"", EMOJI,
                                        "a\xe2\x80\xa8z", "a\xc2\xad", "\xe2\xa0\x81" };
    static const char *const control[] = { "a\nb", "\x01", "a\x1f", "a\x7f", "a\xc2\x80",
                                           "\xc2\x85", "a\xc2\x9fz", "\t" };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_code(um_rules_check_display_name, good[i], NULL);
    }
    for (size_t i = 0; i < COUNT(control); i++) {
        assert_code(um_rules_check_display_name, control[i], "control_character");
    }
    assert_code(um_rules_check_display_name, "", "required");
    for (size_t i = 0; i < COUNT(blanks); i++) {
        assert_code(um_rules_check_display_name, blanks[i], "required");
    }
    assert_code(um_rules_check_display_name, times(256, "x"), NULL);
    assert_code(um_rules_check_display_name, times(256, E_ACUTE), NULL);
    assert_code(um_rules_check_display_name, times(256, EMOJI), NULL);
    assert_code(um_rules_check_display_name, times(257, "x"), "too_long");
    assert_code(um_rules_check_display_name, times(257, EMOJI), "too_long");
}

static void activities(void **state)
{
    (void)state;
    assert_code(um_rules_check_activity, "shop", NULL);
    assert_code(um_rules_check_activity, "a b", NULL);
    assert_code(um_rules_check_activity, "", "required");
    assert_code(um_rules_check_activity, "\t", "control_character");
    assert_code(um_rules_check_activity, times(128, E_ACUTE), NULL);
    assert_code(um_rules_check_activity, times(129, E_ACUTE), "too_long");
    for (size_t i = 0; i < COUNT(blanks); i++) {
        assert_code(um_rules_check_activity, blanks[i], "required");
    }
}

static void phones(void **state)
{
    /* clang-format off */
    static const char *const good[] = { "123", "+49 (0)30 - 1", "(1)2.3", "1  ", "  1", "--1",
                                        "+1.2", "12345678901234567890123456789012" };
    static const char *const bad[] = {
        "", "1", "12", "123456789012345678901234567890123", "12a", "1;2;3", "123\n", "123\t",
        "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93", "+++", "   ", "( )", "...", "12\xc2\xa0+",
        "1/23", "#123", "*123", "123x4", "1,23", "1_23",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_code(um_rules_check_phone, good[i], NULL);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_code(um_rules_check_phone, bad[i], "invalid_phone");
    }
}

/* Which single bytes a check takes between two texts. */
static void assert_set(check_t *check, const char *front, const char *back, const char *set,
                       const char *code)
{
    for (int c = 1; c < 256; c++) {
        char byte[] = { (char)c, '\0' };

        assert_code(check, apr_pstrcat(pool, front, byte, back, NULL),
                    strchr(set, c) != NULL ? NULL : code);
    }
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static void attribute_names(void **state)
{
    (void)state;
    assert_set(um_rules_check_attribute_name, "", "", LETTERS "_", "invalid_name");
    assert_set(um_rules_check_attribute_name, "", "a", LETTERS "_", "invalid_name");
    assert_set(um_rules_check_attribute_name, "a", "", LETTERS DIGITS "_.-", "invalid_name");
    assert_set(um_rules_check_attribute_name, "a", "b", LETTERS DIGITS "_.-", "invalid_name");
    assert_code(um_rules_check_attribute_name, "", "invalid_name");
    assert_code(um_rules_check_attribute_name, times(64, "a"), NULL);
    assert_code(um_rules_check_attribute_name, times(65, "a"), "invalid_name");
    assert_code(um_rules_check_attribute_name, "__proto__", NULL);
    assert_code(um_rules_check_attribute_name, "user_uid", NULL);
    assert_code(um_rules_check_attribute_name, "display_name", NULL);
}

static void attribute_names_that_are_near_misses(void **state)
{
    /* clang-format off */
    static const char *const near[] = {
        "displayName", "DisplayName", "display-name", "Display.Name", "displayname",
        "Email", "e-mail", "E_MAIL", "Phone", "_phone", "Role", "ROLE", "user-uid", "userUid",
        "Active", "is_active", "isActive", "createdAt", "Created_At", "updated.at",
    };
    static const char *const reserved[] = {
        "id", "ID", "Id", "_id", "userData", "user_data", "password", "Password", "pass-word",
        "passwd", "PWD", "pwd", "suspended", "isSuspended", "disabled", "is_disabled", "Enabled",
        "isEnabled", "scim", "SCIM", "s.cim",
    };
    static const char *const good[] = {
        "emails", "email2", "mail", "name", "display", "roles", "phone_home", "identity",
        "password_hint", "created", "activated", "uid", "x_id",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(near); i++) {
        assert_code(um_rules_check_attribute_name, near[i], "did_you_mean");
    }
    for (size_t i = 0; i < COUNT(reserved); i++) {
        assert_code(um_rules_check_attribute_name, reserved[i], "reserved_name");
    }
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_code(um_rules_check_attribute_name, good[i], NULL);
    }
}

static void uids(void **state)
{
    (void)state;
    assert_set(um_rules_check_uid, "", "", LETTERS DIGITS "_-", "invalid_uid");
    assert_set(um_rules_check_uid, "a", "b", LETTERS DIGITS "_-", "invalid_uid");
    assert_code(um_rules_check_uid, "", "invalid_uid");
    assert_code(um_rules_check_uid, times(128, "-"), NULL);
    assert_code(um_rules_check_uid, times(129, "-"), "invalid_uid");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(display_names),
        WITH_POOL(activities),
        WITH_POOL(phones),
        WITH_POOL(attribute_names),
        WITH_POOL(attribute_names_that_are_near_misses),
        WITH_POOL(uids),
    };

    return RUN("rules", tests);
}
