/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_text.c Unicode text: well-formedness, folding, prefixes. */

#include "unit.h"

#include "../../mod_usermgmt/base/text.h"
#include "case_folding.h"

#define LAST 0x10FFFF
#define UTF8_MAX 4

/* ---- an encoder and a validator of the tests' own ---- */

static int is_scalar(unsigned c)
{
    return c <= LAST && (c < 0xD800 || c > 0xDFFF);
}

/* The bytes of a number as UTF-8 would have them, be it a code point or not. */
static size_t encode(char *text, unsigned c)
{
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

    for (size_t i = length; i-- > 1; c >>= 6) {
        text[i] = (char)(0x80 | (c & 0x3F));
    }
    text[0] = (char)(lead[length] | c);
    text[length] = '\0';
    return length;
}

static int is_between(unsigned char byte, int first, int last)
{
    return byte >= first && byte <= last;
}

/* The table of RFC 3629, section 4, for one character of just this length. */
static int is_in_table(const unsigned char *s, size_t length)
{
    for (size_t i = 2; i < length; i++) {
        if (!is_between(s[i], 0x80, 0xBF)) {
            return 0;
        }
    }
    switch (length) {
    case 1:
        return is_between(s[0], 0x01, 0x7F);
    case 2:
        return is_between(s[0], 0xC2, 0xDF) && is_between(s[1], 0x80, 0xBF);
    case 3:
        return (s[0] == 0xE0 && is_between(s[1], 0xA0, 0xBF))
               || (is_between(s[0], 0xE1, 0xEC) && is_between(s[1], 0x80, 0xBF))
               || (s[0] == 0xED && is_between(s[1], 0x80, 0x9F))
               || (is_between(s[0], 0xEE, 0xEF) && is_between(s[1], 0x80, 0xBF));
    case 4:
        return (s[0] == 0xF0 && is_between(s[1], 0x90, 0xBF))
               || (is_between(s[0], 0xF1, 0xF3) && is_between(s[1], 0x80, 0xBF))
               || (s[0] == 0xF4 && is_between(s[1], 0x80, 0x8F));
    default:
        return 0;
    }
}

static int is_in_tables(const unsigned char *s, size_t length)
{
    if (length == 0) {
        return 1;
    }
    for (size_t first = 1; first <= length && first <= UTF8_MAX; first++) {
        if (is_in_table(s, first)) {
            return is_in_tables(s + first, length - first);
        }
    }
    return 0;
}

/* ---- well-formedness ---- */

static void assert_like_the_table(const unsigned char *bytes, size_t length)
{
    if (!um_text_is_utf8((const char *)bytes, length) != !is_in_tables(bytes, length)) {
        fail_msg("%02x %02x %02x %02x (%d bytes) are judged wrongly", bytes[0], bytes[1],
                 bytes[2], bytes[3], (int)length);
    }
}

static void all_short_texts_are_judged_as_rfc_3629_says(void **state)
{
    /* clang-format off */
    static const unsigned char edges[] = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0xBF, 0xC0, 0xE1, 0xFF };
    /* clang-format on */
    unsigned char b[UTF8_MAX] = { 0 };

    (void)state;
    for (unsigned two = 0; two < 0x10000; two++) {
        b[0] = (unsigned char)(two >> 8);
        b[1] = (unsigned char)two;
        assert_like_the_table(b, 1);
        assert_like_the_table(b, 2);
        for (size_t i = 0; i < COUNT(edges); i++) {
            b[2] = edges[i];
            assert_like_the_table(b, 3);
            for (size_t j = 0; j < COUNT(edges); j++) {
                b[3] = edges[j];
                assert_like_the_table(b, 4);
            }
        }
    }
}

static void all_code_points_are_taken_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x200000; c++) {
        char text[UTF8_MAX + 1];
        size_t length = encode(text, c);

        if (!um_text_is_utf8(text, length) != !is_scalar(c)) {
            fail_msg("U+%04X is judged wrongly", c);
        }
        /* A text cut short is none. */
        if (length > 1) {
            assert_false(um_text_is_utf8(text, length - 1));
        }
    }
}

/* Any byte at any place of texts around the length of a machine word. */
static void no_byte_is_overlooked(void **state)
{
    (void)state;
    for (size_t length = 0; length < 35; length++) {
        /* As long as the text, for valgrind and the sanitizers to see a step too far. */
        char *text = malloc(length + (length == 0));

        assert_non_null(text);
        memset(text, 'a', length + (length == 0));
        assert_true(um_text_is_utf8(text, length));
        for (size_t at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                assert_int_equal(um_text_is_utf8(text, length), byte >= 1 && byte <= 0x7F);
            }
            text[at] = '\x01';
        }
        for (size_t at = 0; at + 3 <= length; at++) {
            memcpy(text + at, "\xe2\x82\xac", 3);
            assert_true(um_text_is_utf8(text, length));
            text[at + 2] = 'a';
            assert_false(um_text_is_utf8(text, length));
            memset(text, 'a', length);
        }
        free(text);
    }
}

static void what_is_behind_the_length_does_not_count(void **state)
{
    (void)state;
    assert_true(um_text_is_utf8("abc\xff", 3));
    assert_true(um_text_is_utf8("", 0));
    assert_false(um_text_is_utf8("abc", 4));
    assert_false(um_text_is_utf8("12345678", 9));
}

/* ---- what a text is made of ---- */

static void code_points_are_counted(void **state)
{
    (void)state;
    assert_int_equal(um_text_count(""), 0);
    assert_int_equal(um_text_count("abc"), 3);
    assert_int_equal(um_text_count("\xc3\xa9"), 1);
    assert_int_equal(um_text_count("e\xcc\x81"), 2);
    assert_int_equal(um_text_count("\xe2\x82\xac"), 1);
    assert_int_equal(um_text_count("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"), 2);
    assert_int_equal(um_text_count("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"), 5);
}

static void texts_are_cut_between_code_points(void **state)
{
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";

    (void)state;
    assert_string_equal(um_text_cut(text, 0, pool), "");
    assert_string_equal(um_text_cut(text, 1, pool), "a");
    assert_string_equal(um_text_cut(text, 2, pool), "a\xc3\xa9");
    assert_string_equal(um_text_cut(text, 4, pool), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_ptr_equal(um_text_cut(text, 5, pool), text);
    assert_ptr_equal(um_text_cut(text, 6, pool), text);
    assert_string_equal(um_text_cut("", 0, pool), "");
}

static void as_many_bytes_as_whole_characters_have(void **state)
{
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    const apr_size_t lengths[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

    (void)state;
    for (apr_size_t most = 0; most < COUNT(lengths); most++) {
        assert_int_equal(um_text_fit(text, most), lengths[most]);
    }
    assert_int_equal(um_text_fit("", 5), 0);
}

/* clang-format off */
static const unsigned white_space[] = {
    0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
    0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
    0x3000,
};
/* clang-format on */

static int is_white_space(unsigned c)
{
    for (size_t i = 0; i < COUNT(white_space); i++) {
        if (white_space[i] == c) {
            return 1;
        }
    }
    return 0;
}

static void nothing_is_the_same_as_nothing_alone(void **state)
{
    char copy[] = "a";

    (void)state;
    assert_true(um_text_same("a", copy));
    assert_false(um_text_same("a", "b"));
    assert_true(um_text_same(NULL, NULL));
    assert_false(um_text_same(NULL, ""));
    assert_false(um_text_same("", NULL));
}

static void controls_are_found(void **state)
{
    (void)state;
    for (unsigned c = 1; c <= LAST; c++) {
        char text[3 * UTF8_MAX] = "\xc3\xa9";
        int control = c < 0x20 || c == 0x7F || (c >= 0x80 && c <= 0x9F);

        if (!is_scalar(c)) {
            continue;
        }
        strcpy(text + 2 + encode(text + 2, c), "z");
        if (!um_text_has_control(text) != !control) {
            fail_msg("U+%04X is judged wrongly", c);
        }
    }
    assert_false(um_text_has_control(""));
}

/* Default_Ignorable_Code_Point of Unicode 14, and the empty braille pattern. */
static int is_invisible(unsigned c)
{
    static const unsigned ranges[][2] = {
        { 0xAD, 0xAD },       { 0x34F, 0x34F },     { 0x61C, 0x61C },   { 0x115F, 0x1160 },
        { 0x17B4, 0x17B5 },   { 0x180B, 0x180F },   { 0x200B, 0x200F }, { 0x202A, 0x202E },
        { 0x2060, 0x206F },   { 0x2800, 0x2800 },   { 0x3164, 0x3164 }, { 0xFE00, 0xFE0F },
        { 0xFEFF, 0xFEFF },   { 0xFFA0, 0xFFA0 },   { 0xFFF0, 0xFFF8 }, { 0x1BCA0, 0x1BCA3 },
        { 0x1D173, 0x1D17A }, { 0xE0000, 0xE0FFF },
    };

    for (size_t i = 0; i < COUNT(ranges); i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1]) {
            return 1;
        }
    }
    return 0;
}

static void what_can_not_be_seen_is_found(void **state)
{
    (void)state;
    for (unsigned c = 1; c <= LAST; c++) {
        char beside[3 * UTF8_MAX] = "\xc3\xa9";
        char alone[2 * UTF8_MAX] = "";
        int control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
        int blank = is_white_space(c) || is_invisible(c);

        if (!is_scalar(c)) {
            continue;
        }
        encode(alone, c);
        strcpy(beside + 2 + encode(beside + 2, c), "z");
        if (um_text_find_hidden(beside) != (control || blank ? (apr_int32_t)c : 0)
            || !um_text_shows_nothing(alone) != !blank || um_text_shows_nothing(beside)) {
            fail_msg("U+%04X is judged wrongly", c);
        }
    }
    assert_int_equal(um_text_find_hidden(""), 0);
    assert_true(um_text_shows_nothing(""));
    assert_true(um_text_shows_nothing(" \xe2\xa0\x80\xe3\x85\xa4\xe1\x85\x9f"));
    assert_false(um_text_shows_nothing(" \xe2\xa0\x81"));
}

static void white_space_is_trimmed_and_nothing_else(void **state)
{
    apr_pool_t *one;

    (void)state;
    apr_pool_create(&one, pool);
    for (unsigned c = 1; c < 0x20000; c++) {
        char space[UTF8_MAX + 1];
        const char *text;

        if (!is_scalar(c)) {
            continue;
        }
        apr_pool_clear(one);
        encode(space, c);
        text = apr_pstrcat(one, space, space, "a", space, "\xc3\xa9", space, NULL);
        assert_string_equal(um_text_trim(text, one),
                            is_white_space(c) ? apr_pstrcat(one, "a", space, "\xc3\xa9", NULL)
                                              : text);
        assert_string_equal(um_text_trim(space, one), is_white_space(c) ? "" : space);
    }
}

static void trimmed_texts(void **state)
{
    const char *text = "as it is";

    (void)state;
    assert_string_equal(um_text_trim("", pool), "");
    assert_string_equal(um_text_trim("   ", pool), "");
    assert_string_equal(um_text_trim("\xc2\xa0\xe3\x80\x80 \t\r\n", pool), "");
    assert_string_equal(um_text_trim("\xc2\xa0"
                                     "A\xe3\x80\x80",
                                     pool),
                        "A");
    assert_string_equal(um_text_trim("  A  B\n", pool), "A  B");
    /* A zero-width space is no white space. */
    assert_string_equal(um_text_trim("\xe2\x80\x8b ", pool), "\xe2\x80\x8b");
    assert_string_equal(um_text_trim(text, pool), text);
    assert_ptr_not_equal(um_text_trim(text, pool), text);
}

/* ---- case ---- */

static void only_ascii_is_made_small(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x3000; c++) {
        char text[UTF8_MAX + 1];
        char expected[UTF8_MAX + 1];

        encode(text, c);
        encode(expected, c >= 'A' && c <= 'Z' ? c + 32 : c);
        assert_string_equal(um_text_lower_ascii(text, pool), expected);
    }
    assert_string_equal(um_text_lower_ascii("", pool), "");
    assert_string_equal(um_text_lower_ascii("A@[Z]\xc3\x89", pool), "a@[z]\xc3\x89");
}

static void folded_texts(void **state)
{
    static const struct {
        const char *text;
        const char *folded;
        /* clang-format off */
    } samples[] = {
        { "", "" },
        { "User.Name+1@Example.COM", "user.name+1@example.com" },
        { "\x01 ~[`{@", "\x01 ~[`{@" },
        { "Stra\xc3\x9f" "e", "strasse" },
        { "\xe1\xba\x9e", "ss" },
        /* I with a dot above, and without a dot */
        { "\xc4\xb0", "i\xcc\x87" },
        { "\xc4\xb1", "\xc4\xb1" },
        /* ligatures */
        { "\xef\xac\x81", "fi" },
        { "\xef\xac\x83", "ffi" },
        { "\xc3\x86", "\xc3\xa6" },
        /* full width */
        { "\xef\xbc\xa1\xef\xbd\x82\xef\xbc\x91\xef\xbc\xa0", "ab1@" },
        { "\xe3\x80\x80", " " },
        /* half width katakana with its voice mark */
        { "\xef\xbd\xb6\xef\xbe\x9e", "\xe3\x82\xac" },
        /* composed and decomposed, capital and small */
        { "\xc3\xa9", "\xc3\xa9" },
        { "\xc3\x89", "\xc3\xa9" },
        { "e\xcc\x81", "\xc3\xa9" },
        { "E\xcc\x81", "\xc3\xa9" },
        /* two marks in either order: dot below and dot above on s */
        { "s\xcc\x87\xcc\xa3", "\xe1\xb9\xa9" },
        { "s\xcc\xa3\xcc\x87", "\xe1\xb9\xa9" },
        /* Kelvin, Angstrom, Ohm */
        { "\xe2\x84\xaa", "k" },
        { "\xe2\x84\xab", "\xc3\xa5" },
        { "\xe2\x84\xa6", "\xcf\x89" },
        /* ignored: soft hyphen, zero-width space and joiner, mark of byte order, selector */
        { "a\xc2\xad" "b", "ab" },
        { "a\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbf\xef\xb8\x8f" "b", "ab" },
        { "\xc2\xad", "" },
        /* ignored between a letter and its mark */
        { "e\xc2\xad\xcc\x81", "\xc3\xa9" },
        /* ignored though not assigned */
        { "a\xe2\x81\xa5" "b\xef\xbf\xb0" "c\xf3\xa0\x82\x80" "d", "abcd" },
        { "\xef\xbf\xaf\xef\xbf\xb9\xf3\xa0\xbf\xbf", "\xef\xbf\xaf\xef\xbf\xb9" },
        /* Greek: final sigma, iota below */
        { "\xce\xa3\xcf\x82\xcf\x83", "\xcf\x83\xcf\x83\xcf\x83" },
        { "\xe1\xbe\xb3", "\xce\xb1\xce\xb9" },
        /* Cyrillic, Cherokee (folds to capitals), Deseret (four bytes) */
        { "\xd0\x96\xd0\xb6", "\xd0\xb6\xd0\xb6" },
        { "\xea\xad\xb0", "\xe1\x8e\xa0" },
        { "\xf0\x90\x90\x80", "\xf0\x90\x90\xa8" },
        /* Hangul: a syllable of three letters */
        { "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c" },
        /* one half, circled one, superscript two, trade mark, ellipsis */
        { "\xc2\xbd", "1\xe2\x81\x84" "2" },
        { "\xe2\x91\xa0\xc2\xb2\xe2\x84\xa2\xe2\x80\xa6", "12tm..." },
        /* not composed again: a Hebrew presentation form; composed: none */
        { "\xef\xac\xaa", "\xd7\xa9\xd7\x81" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_string_equal(um_text_fold(samples[i].text, pool), samples[i].folded);
    }
}

static void ascii_is_folded_as_the_library_would(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        char alone[] = { (char)c, '\0' };
        const char *beside = um_text_fold(apr_pstrcat(pool, alone, "\xc3\xa9", NULL), pool);

        assert_string_equal(apr_pstrcat(pool, um_text_fold(alone, pool), "\xc3\xa9", NULL),
                            beside);
    }
}

/* Well-formed, and folded again the same. */
static void assert_stable(const char *text, apr_pool_t *one)
{
    const char *once = um_text_fold(text, one);

    assert_non_null(once);
    assert_true(um_text_is_utf8(once, strlen(once)));
    assert_string_equal(um_text_fold(once, one), once);
}

static void folding_twice_changes_nothing_in_a_code_point(void **state)
{
    apr_pool_t *one;

    (void)state;
    apr_pool_create(&one, pool);
    for (unsigned c = 1; c <= LAST; c++) {
        char text[UTF8_MAX + 1];

        if (is_scalar(c)) {
            encode(text, c);
            assert_stable(text, one);
        }
        if (c % 1024 == 0) {
            apr_pool_clear(one);
        }
    }
}

/* Code points that letters are made of, and the marks that go with them. */
static unsigned pick(unsigned *seed)
{
    static const struct {
        unsigned first;
        unsigned size;
        /* clang-format off */
    } blocks[] = {
        { 0x41, 58 }, { 0xA0, 0x1B0 }, { 0x300, 0x70 }, { 0x370, 0x90 }, { 0x5B0, 0x40 },
        { 0x900, 0x80 }, { 0xDC0, 0x20 }, { 0x1100, 0x100 }, { 0x1E00, 0x200 }, { 0x2100, 0x90 },
        { 0x3040, 0xC0 }, { 0xAC00, 0x60 }, { 0xFB00, 0x50 }, { 0xFF00, 0xF0 }, { 0x1D15E, 0x70 },
    };
    /* clang-format on */
    unsigned block;

    *seed = *seed * 1664525 + 1013904223;
    block = (*seed >> 8) % COUNT(blocks);
    return blocks[block].first + (*seed >> 12) % blocks[block].size;
}

static void folding_twice_changes_nothing_in_a_text(void **state)
{
    apr_pool_t *one;
    unsigned seed = 1;

    (void)state;
    apr_pool_create(&one, pool);
    for (int i = 0; i < 200000; i++) {
        char text[6 * UTF8_MAX + 1];
        size_t length = 0;

        for (int j = 0; j < 2 + i % 5; j++) {
            length += encode(text + length, pick(&seed));
        }
        assert_stable(text, one);
        if (i % 1024 == 0) {
            apr_pool_clear(one);
        }
    }
}

/* One code point that becomes 18, in texts around the size of the buffer on the stack. */
static void folding_makes_room_for_what_grows(void **state)
{
    static const char ligature[] = "\xef\xb7\xba";
    const char *one = um_text_fold(ligature, pool);
    size_t length = strlen(one);

    (void)state;
    assert_int_equal(um_text_count(one), 18);
    for (size_t count = 1; count < 100; count++) {
        for (size_t more = 0; more < 18; more++) {
            char *text = apr_pcalloc(pool, count * 3 + more + 1);
            const char *folded;

            for (size_t i = 0; i < count; i++) {
                memcpy(text + i * 3, ligature, 3);
            }
            memset(text + count * 3, 'X', more);
            folded = um_text_fold(text, pool);
            assert_int_equal(strlen(folded), count * length + more);
            for (size_t i = 0; i < count; i++) {
                assert_memory_equal(folded + i * length, one, length);
            }
            assert_int_equal(strspn(folded + count * length, "x"), more);
        }
    }
}

static void bad_texts_have_no_fold(void **state)
{
    /* clang-format off */
    static const char *const texts[] = {
        "\x80", "\xff", "abc\xc3", "\xc3z", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xe2\x82", "a\xf0\x9f\x98", "\xc3\xa9\xfe",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_null(um_text_fold(texts[i], pool));
    }
}

/* U+FDFA is one character of 3 bytes, and folded 18 of 33. */
#define LONG_ONE "\xef\xb7\xba"

static void a_name_is_folded_up_to_a_limit(void **state)
{
    const char *folded = um_text_fold(times(256, LONG_ONE), pool);
    const char *clipped = um_text_fold_name(times(256, LONG_ONE), pool);

    (void)state;
    assert_int_equal(strlen(folded), 256 * 33);
    /* 31 of them, and the next letter takes two bytes. */
    assert_int_equal(strlen(clipped), 31 * 33);
    assert_memory_equal(clipped, folded, 31 * 33);
    for (int i = 0; i < 4; i++) {
        const char *plain = times(UM_TEXT_NAME_FOLDED_MAX - i, "a");
        const char *cut = um_text_fold_name(apr_pstrcat(pool, plain, "\xf0\x9f\x98\x80", NULL),
                                            pool);

        assert_string_equal(cut, plain);
        assert_string_equal(um_text_fold_name(plain, pool), plain);
    }
    assert_int_equal(strlen(um_text_fold_name(times(256, "\xf0\x9f\x98\x80"), pool)),
                     UM_TEXT_NAME_FOLDED_MAX);
    assert_null(um_text_fold_name("\xff", pool));
}

/* ---- simple folding ---- */

/* The code point that c becomes by C and S of CaseFolding.txt of Unicode 14, which no later
 * version changes. */
static unsigned fold_by_table(unsigned c)
{
    for (size_t i = 0; i < COUNT(case_folding); i++) {
        if (c >= (unsigned)case_folding[i].first && c <= (unsigned)case_folding[i].last
            && (c - (unsigned)case_folding[i].first) % (unsigned)case_folding[i].step == 0) {
            return (unsigned)((int)c + case_folding[i].distance);
        }
    }
    return c;
}

/* Code points that one of Unicode's later versions has given another case. */
#define NEW_ONES_MAX 200

static void a_code_point_is_folded_to_one(void **state)
{
    int new_ones = 0;
    apr_pool_t *one;

    (void)state;
    apr_pool_create(&one, pool);
    for (unsigned c = 1; c <= LAST; c++) {
        char text[UTF8_MAX + 1];
        char expected[UTF8_MAX + 1];
        const char *folded;
        apr_int32_t replaced;

        if (!is_scalar(c)) {
            continue;
        }
        encode(text, c);
        encode(expected, fold_by_table(c));
        if (!um_text_check_nfkc(&replaced, text)) {
            assert_int_equal(replaced, c);
            continue;
        }
        folded = um_text_fold_simply(text, one);
        if (fold_by_table(c) == c) {
            new_ones += strcmp(folded, text) != 0;
        } else {
            assert_string_equal(folded, expected);
        }
        assert_int_equal(um_text_count(folded), 1);
        assert_string_equal(um_text_fold_simply(folded, one), folded);
        assert_true(um_text_check_nfkc(&replaced, folded));
        if (c % 1024 == 0) {
            apr_pool_clear(one);
        }
    }
    assert_true(new_ones < NEW_ONES_MAX);
}

static void simply_folded_texts(void **state)
{
    static const struct {
        const char *text;
        const char *folded;
        /* clang-format off */
    } samples[] = {
        { "", "" },
        { "Ann.B", "ann.b" },
        { "\xc3\x84", "\xc3\xa4" },
        /* sharp s is not ss, nor are the ligatures their letters */
        { "Stra\xc3\x9f" "e", "stra\xc3\x9f" "e" },
        { "\xe1\xba\x9e", "\xc3\x9f" },
        { "\xef\xac\x81", "\xef\xac\x81" },
        /* I with a dot above, and without a dot, are none of i */
        { "\xc4\xb0", "\xc4\xb0" },
        { "\xc4\xb1", "\xc4\xb1" },
        /* final sigma; iota below stays; Cherokee folds to capitals */
        { "\xce\xa3\xcf\x82\xcf\x83", "\xcf\x83\xcf\x83\xcf\x83" },
        { "\xe1\xbe\x88", "\xe1\xbe\x80" },
        { "\xea\xad\xb0\xe1\x8e\xa0", "\xe1\x8e\xa0\xe1\x8e\xa0" },
        /* a capital and its caron have no composition, the small letter and it have one */
        { "J\xcc\x8c", "\xc7\xb0" },
        { "\xc7\xb0", "\xc7\xb0" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_string_equal(um_text_fold_simply(samples[i].text, pool), samples[i].folded);
    }
    assert_null(um_text_fold_simply("\xff", pool));
}

static void what_nfkc_replaces_is_named(void **state)
{
    apr_int32_t c = -1;

    (void)state;
    assert_true(um_text_check_nfkc(&c, "ann \xc3\xa9"));
    assert_false(um_text_check_nfkc(&c, "a\xe2\x84\xaa"
                                        "b"));
    assert_int_equal(c, 0x212A);
    assert_false(um_text_check_nfkc(&c, "ae\xcc\x81"
                                        "b"));
    assert_int_equal(c, 0);
}

/* ---- prefixes ---- */

static void known_ends(void **state)
{
    static const struct {
        const char *prefix;
        const char *end;
        /* clang-format off */
    } samples[] = {
        { "a", "b" },
        { "ab", "ac" },
        { "az", "a{" },
        { "\x01", "\x02" },
        { "a\x7e", "a\x7f" },
        /* one byte more: U+007F, U+07FF, U+FFFF */
        { "a\x7f", "a\xc2\x80" },
        { "\xdf\xbf", "\xe0\xa0\x80" },
        { "\xef\xbf\xbf", "\xf0\x90\x80\x80" },
        { "\xc2\xbf", "\xc3\x80" },
        /* over the surrogates */
        { "a\xed\x9f\xbf", "a\xee\x80\x80" },
        { "\xed\x9f\xbe", "\xed\x9f\xbf" },
        /* the last code point carries */
        { "a\xf4\x8f\xbf\xbf", "b" },
        { "a\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", "b" },
        { "\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\xee\x80\x80" },
        { "\xf4\x8f\xbf\xbe", "\xf4\x8f\xbf\xbf" },
        { "\xf4\x8f\xbf\xbf" "a", "\xf4\x8f\xbf\xbf" "b" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        const char *end = um_text_prefix_end(samples[i].prefix, pool);

        assert_non_null(end);
        assert_string_equal(end, samples[i].end);
    }
    assert_null(um_text_prefix_end("", pool));
    assert_null(um_text_prefix_end("\xf4\x8f\xbf\xbf", pool));
    assert_null(um_text_prefix_end("\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", pool));
}

/* Texts of up to three code points of which the edges are made. */
static void the_range_holds_what_starts_so_and_nothing_else(void **state)
{
    /* clang-format off */
    static const unsigned edges[] = { 0x01, 'a', 'b', 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000,
                                      0xFFFF, 0x10000, LAST };
    /* clang-format on */
    char texts[1 + 12 + 144 + 1728][3 * UTF8_MAX + 1];
    size_t count = 1;

    (void)state;
    assert_int_equal(COUNT(edges), 12);
    texts[0][0] = '\0';
    for (size_t i = 0; i < 1 + 12 + 144; i++) {
        for (size_t j = 0; j < COUNT(edges); j++) {
            size_t length = strlen(texts[i]);

            memcpy(texts[count], texts[i], length);
            encode(texts[count++] + length, edges[j]);
        }
    }
    assert_int_equal(count, COUNT(texts));
    for (size_t p = 0; p < 1 + 12 + 144; p++) {
        const char *end = um_text_prefix_end(texts[p], pool);

        for (size_t t = 0; t < count; t++) {
            int starts = strncmp(texts[t], texts[p], strlen(texts[p])) == 0;
            int within = strcmp(texts[t], texts[p]) >= 0
                         && (end == NULL || strcmp(texts[t], end) < 0);

            assert_int_equal(within, starts);
        }
    }
}

static void an_end_is_well_formed(void **state)
{
    (void)state;
    for (unsigned c = 1; c < LAST; c++) {
        char text[UTF8_MAX + 1];
        char expected[UTF8_MAX + 1];

        if (is_scalar(c)) {
            encode(text, c);
            encode(expected, is_scalar(c + 1) ? c + 1 : 0xE000);
            assert_string_equal(um_text_prefix_end(text, pool), expected);
        }
    }
}

/* ---- what a terminal only shows ---- */

static const char *escaped(const char *text, size_t length, int keeps_lines)
{
    um_buffer_t to;

    um_buffer_init(&to, 4, pool);
    um_text_escape(&to, text, length, keeps_lines);
    return to.data;
}

static void terminals_are_told_nothing(void **state)
{
    static const struct {
        const char *text;
        const char *line;
        /* clang-format off */
    } cases[] = {
        { "", "" },
        { "Zo\xc3\xab \\ \"x\"", "Zo\xc3\xab \\ \"x\"" },
        { "\033[2J\007", "\\u001b[2J\\u0007" },
        { "a\tb\r\nc\rd", "a\\tb\\r\\nc\\rd" },
        { "\x7f\xc2\x80\xc2\x9b", "\\u007f\\u0080\\u009b" },
        { "\x9b\xff\xc3", "\\x9b\\xff\\xc3" },
        { "\xe2\x80\xae\xe2\x81\xa9\xe2\x80\x8f\xd8\x9c",
          "\\u202e\\u2069\\u200f\\u061c" },
        { "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(escaped(cases[i].text, strlen(cases[i].text), 0), cases[i].line);
    }
    assert_string_equal(escaped("a\r\nb\rc\n\033", 8, 1), "a\r\nb\\rc\n\\u001b");
    assert_string_equal(escaped("a\0b\r", 4, 1), "a\\u0000b\\r");
    /* A code point that the length cuts off. */
    assert_string_equal(escaped("\xc3\xab", 1, 0), "\\xc3");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(all_short_texts_are_judged_as_rfc_3629_says),
        WITH_POOL(all_code_points_are_taken_and_nothing_else),
        WITH_POOL(no_byte_is_overlooked),
        WITH_POOL(what_is_behind_the_length_does_not_count),
        WITH_POOL(code_points_are_counted),
        WITH_POOL(texts_are_cut_between_code_points),
        cmocka_unit_test(as_many_bytes_as_whole_characters_have),
        WITH_POOL(nothing_is_the_same_as_nothing_alone),
        WITH_POOL(controls_are_found),
        WITH_POOL(what_can_not_be_seen_is_found),
        WITH_POOL(white_space_is_trimmed_and_nothing_else),
        WITH_POOL(trimmed_texts),
        WITH_POOL(only_ascii_is_made_small),
        WITH_POOL(folded_texts),
        WITH_POOL(ascii_is_folded_as_the_library_would),
        WITH_POOL(folding_twice_changes_nothing_in_a_code_point),
        WITH_POOL(folding_twice_changes_nothing_in_a_text),
        WITH_POOL(folding_makes_room_for_what_grows),
        WITH_POOL(bad_texts_have_no_fold),
        WITH_POOL(a_name_is_folded_up_to_a_limit),
        WITH_POOL(a_code_point_is_folded_to_one),
        WITH_POOL(simply_folded_texts),
        WITH_POOL(what_nfkc_replaces_is_named),
        WITH_POOL(known_ends),
        WITH_POOL(the_range_holds_what_starts_so_and_nothing_else),
        WITH_POOL(an_end_is_well_formed),
        WITH_POOL(terminals_are_told_nothing),
    };

    return RUN("text", tests);
}
