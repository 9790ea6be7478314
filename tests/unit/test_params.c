/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_params.c Parameters of databases: what is refused, and what may be printed. */

#include "unit.h"

#include "../../mod_usermgmt/db/params.h"

static void test_what_is_refused(void **state)
{
    static const char *const bad[] = {
        NULL,
        "",
        " \t",
        ":memory:",
        "file::memory:",
        "file:x?mode=memory",
        "file:/a/b.db",
        "file:",
        "${FILE}",
        "/a/${NAME}.db",
        "users.db",
        "./users.db",
        NULL,
    };

    (void)state;
    for (int i = 0; i == 0 || bad[i] != NULL; i++) {
        assert_non_null(um_params_check("sqlite3", bad[i], UM_PARAMS_ABSOLUTE_PATH, pool));
    }
    assert_non_null(um_params_check("pgsql", "host=${HOST}", UM_PARAMS_ANY_PATH, pool));
    assert_non_null(um_params_check(NULL, "/${X}", UM_PARAMS_ANY_PATH, pool));
}

static void test_what_is_taken(void **state)
{
    (void)state;
    assert_null(um_params_check("sqlite3", "/a/b.db", UM_PARAMS_ABSOLUTE_PATH, pool));
    assert_null(um_params_check("sqlite3", "/a/:memory:", UM_PARAMS_ABSOLUTE_PATH, pool));
    assert_null(um_params_check("sqlite3", "/a/$X{y}", UM_PARAMS_ABSOLUTE_PATH, pool));
    assert_null(um_params_check("sqlite3", "b.db", UM_PARAMS_ANY_PATH, pool));
    assert_null(um_params_check("pgsql", "", UM_PARAMS_ABSOLUTE_PATH, pool));
    assert_null(um_params_check("mysql", ":memory:", UM_PARAMS_ABSOLUTE_PATH, pool));
}

static void test_words(void **state)
{
    (void)state;
    assert_true(um_params_have("pgsql", "service=a", "service"));
    assert_true(um_params_have("pgsql", "dbname=a service = 'b'", "service"));
    assert_false(um_params_have("pgsql", "host=db.service.consul", "service"));
    assert_false(um_params_have("pgsql", "password='x service=y'", "service"));
    assert_false(um_params_have("pgsql", "servicefile=x", "service"));
    assert_false(um_params_have("pgsql", "", "service"));
    assert_true(um_params_have("mysql", "user=a,Reconnect=1", "reconnect"));
    assert_false(um_params_have("mysql", "user=a,pass=reconnect", "reconnect"));
    assert_true(um_params_are_uri("postgresql://a/b"));
    assert_false(um_params_are_uri("host=a password=x://y"));
}

static void test_masks(void **state)
{
    static const struct {
        const char *driver;
        const char *params;
        const char *masked;
    } cases[] = {
        { "sqlite3", "/a/password=x.db", "/a/password=x.db" },
        { NULL, "/a/password=x.db", "/a/password=x.db" },
        { "pgsql", "host=h password=s3cret dbname=d", "host=h *** dbname=d" },
        { "pgsql", "password = s3cret user=u", "*** user=u" },
        { "pgsql", "password='a b\\' host=x' user=u", "*** user=u" },
        { "pgsql", "password=a\\ b user=u", "*** user=u" },
        { "pgsql", "password='never closed host=x", "***" },
        { "pgsql", "password=with blank user=u", "*** *** user=u" },
        { "pgsql", "password=a,host=b user=u", "*** user=u" },
        { "pgsql", "host=a,b PASSWORD=x Port=5", "host=a,b *** Port=5" },
        { "pgsql", "sslpassword=x options='-c a=b'", "*** ***" },
        { "pgsql", "postgresql://u:p@w@h:5/d?password=x", "postgresql://***@h:5/d?***" },
        { "pgsql", "postgres://h/d", "postgresql://h/d" },
        { "mysql", "sock=/s,user=u,pass=s3cret,dbname=d", "sock=/s user=u *** dbname=d" },
        { "mysql", "pass=a|host=h;user=u", "*** host=h user=u" },
        { "odbc", "datasource=d,user=u,password=x", "*** user=u ***" },
        { NULL, "host=h password='a b' user=u", "host=h *** user=u" },
        { NULL, "user/s3cret@db", "***" },
        { NULL, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(um_params_mask(cases[i].driver, cases[i].params, pool),
                            cases[i].masked);
    }
}

static void test_redacts(void **state)
{
    static const struct {
        const char *driver;
        const char *params;
        const char *text;
        const char *redacted;
    } cases[] = {
        { "pgsql", "host=h password=s3cret", "bad s3cret, s3cret", "bad ***, ***" },
        { "pgsql", "password='s3 cret' host=h", "'s3 cret' is s3 cret", "*** is ***" },
        { "pgsql", "password=abc tail host=h", "missing \"=\" after \"tail\"",
          "missing \"=\" after \"***\"" },
        { "pgsql", "password=abc", "no alphabet", "no alphabet" },
        { "pgsql", "host=example.org", "no host example.org", "no host example.org" },
        { "pgsql", "postgres://joe:s3cret@h/d", "joe: s3cret", "joe: ***" },
        { "pgsql", "postgresql://app:Sup3r/x9@h/d",
          "invalid integer value \"Sup3r\" for \"port\"",
          "invalid integer value \"***\" for \"***\"" },
        { "pgsql", "postgresql://h/d?password=abc%zz", "invalid token: \"abc%zz",
          "invalid token: \"***\"" },
        { "mysql", "pass=s3cret,user=u", "s3cret", "***" },
        { "sqlite3", "/a/b.db", "/a/b.db is no database", "/a/b.db is no database" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(um_params_redact(cases[i].text, cases[i].driver, cases[i].params,
                                             pool),
                            cases[i].redacted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(test_what_is_refused), WITH_POOL(test_what_is_taken), WITH_POOL(test_words),
        WITH_POOL(test_masks),           WITH_POOL(test_redacts),
    };

    return RUN("params", tests);
}
