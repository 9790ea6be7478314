/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_network.c Names and addresses of hosts. */

#include "unit.h"

#include "../../mod_usermgmt/base/network.h"

static void test_loopback(void **state)
{
    static const char *const loopback[] = { "localhost",   "LocalHost", "127.0.0.1",
                                            "127.255.1.2", "::1",       "0:0:0:0:0:0:0:1" };
    static const char *const others[] = { "127.mail.example.com",
                                          "127.0.0.1.example.com",
                                          "localhost.example.com",
                                          "localhosts",
                                          "128.0.0.1",
                                          "::2",
                                          "[::1]",
                                          "127.1",
                                          "12.7.0.1",
                                          "" };

    (void)state;
    for (size_t i = 0; i < COUNT(loopback); i++) {
        assert_true(um_network_is_loopback(loopback[i]));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(um_network_is_loopback(others[i]));
    }
}

static void test_names(void **state)
{
    static const char *const names[] = { "a", "a-b.c", "127.mail.example.com", "1.a", "A.b" };
    static const char *const others[] = {
        "",    ".", "a.",  ".a",        "a..b",     "-a",  "a-",
        "a_b", "1", "a.1", "127.0.0.1", "0x7f.0X1", "::1", "a b"
    };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_true(um_network_is_name(names[i]));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(um_network_is_name(others[i]));
    }
}

static void test_addresses(void **state)
{
    (void)state;
    assert_true(um_network_is_ipv4("192.0.2.1"));
    assert_false(um_network_is_ipv4("192.0.2"));
    assert_false(um_network_is_ipv4("192.0.2.256"));
    assert_false(um_network_is_ipv4("::1"));
    assert_true(um_network_is_ipv6("2001:db8::1"));
    assert_false(um_network_is_ipv6("[2001:db8::1]"));
    assert_false(um_network_is_ipv6("192.0.2.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_addresses),
    };

    return RUN("network", tests);
}
