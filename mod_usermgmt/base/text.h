/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_TEXT_H
#define UM_BASE_TEXT_H

/**
 * @file text.h
 * Unicode text: well-formedness, folding, prefixes. The only file that uses
 * the Unicode library (utf8proc).
 */

#include <apr_pools.h>

#include "buffer.h"

/** Tell whether length bytes are well-formed UTF-8 (RFC 3629) without a NUL. */
int um_text_is_utf8(const char *text, apr_size_t length);

/** Tell whether a text has no byte from 0x80 on. */
int um_text_is_ascii(const char *text);

/** The number of code points of a well-formed text. */
apr_size_t um_text_count(const char *text);

/** The length in bytes of the longest beginning of a text that has at most so many bytes and ends
 *  between characters. */
apr_size_t um_text_fit(const char *text, apr_size_t most);

/** The first code points of a well-formed text: the text itself if it has no more, else in
 *  pool. */
const char *um_text_cut(const char *text, apr_size_t count, apr_pool_t *pool);

/** Tell whether two texts are equal. NULL is equal to NULL alone. */
int um_text_same(const char *a, const char *b);

/** Tell whether a well-formed text has a control character (category Cc). */
int um_text_has_control(const char *text);

/** The first code point of a well-formed text that can't be seen: a control, white space,
 *  a default-ignorable one, or the empty braille pattern. 0 if there is none. */
apr_int32_t um_text_find_hidden(const char *text);

/** The first code point of a well-formed text that folds to another letter although it is
 *  not that letter's capital, such as U+1C80, another shape of the Cyrillic ve. The final
 *  sigma is not reported, because ordinary Greek uses it. 0 if there is none. */
apr_int32_t um_text_find_variant(const char *text);

/** Tell whether nothing of a well-formed text can be seen: it is empty, or has only white
 *  space, default-ignorable code points and empty braille patterns. */
int um_text_shows_nothing(const char *text);

/** A copy without white space (Unicode's White_Space) at both ends, in pool. */
const char *um_text_trim(const char *text, apr_pool_t *pool);

/**
 * Fold for comparison without case: Unicode's toNFKC_Casefold. The library is not called
 * for plain ASCII. Folding twice gives the same text.
 * @return the folded text in pool, or NULL if the text is not well-formed UTF-8
 */
const char *um_text_fold(const char *text, apr_pool_t *pool);

/** Bytes of a folded name that fit into an index. */
#define UM_TEXT_NAME_FOLDED_MAX 1024
/** Fold a name, or the beginning of one, as um_text_fold() does, and cut it between characters to
 *  UM_TEXT_NAME_FOLDED_MAX bytes. */
const char *um_text_fold_name(const char *name, apr_pool_t *pool);

/**
 * Fold case, each code point to one other: Unicode's simple case folding, then NFC.
 * Folding twice gives the same text.
 * @return the folded text in pool, or NULL if the text is not well-formed UTF-8
 */
const char *um_text_fold_simply(const char *text, apr_pool_t *pool);

/** Tell whether a well-formed text is its own NFKC. If it is not, *c is the first code point
 *  that NFKC replaces, or 0 if NFKC keeps each code point but not their sequence. */
int um_text_check_nfkc(apr_int32_t *c, const char *text);

/** A copy with ASCII letters in lower case, and nothing else changed, in pool. */
const char *um_text_lower_ascii(const char *text, apr_pool_t *pool);

/**
 * A well-formed text as one line that is safe inside another text, in pool. Control
 * characters and line separators become spaces. Characters that change the direction of
 * the text around them (U+202A to U+202E, U+2066 to U+2069) are left out.
 */
const char *um_text_one_line(const char *text, apr_pool_t *pool);

/**
 * Append any bytes so that a terminal shows them and obeys none. Control characters (C0, DEL,
 * C1), line separators and characters that change the direction of text are escaped as in strings
 * of JSON. Bytes that are not UTF-8 become a backslash, an x and two hex digits.
 * @param keeps_lines whether LF, and a CR before it, stay
 */
void um_text_escape(um_buffer_t *to, const char *text, apr_size_t length, int keeps_lines);

/**
 * The smallest well-formed text that sorts by bytes after every text that begins with
 * prefix. So a prefix search is the range [prefix, end).
 * @return the end in pool, or NULL if there is none (the prefix is empty or has only
 *         U+10FFFF)
 */
const char *um_text_prefix_end(const char *prefix, apr_pool_t *pool);

#endif
