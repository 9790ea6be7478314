/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file digest.c SHA-256, see digest.h. The only file that uses libcrypto. */

#include "digest.h"

#include <apr_escape.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
/* OpenSSL 3 looks for EVP_sha256() anew at each use, which takes longer than a short digest. */
static const EVP_MD *sha256(void)
{
    static EVP_MD *found;
    EVP_MD *none = NULL;
    EVP_MD *fetched = __atomic_load_n(&found, __ATOMIC_ACQUIRE);

    if (fetched != NULL) {
        return fetched;
    }
    fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!__atomic_compare_exchange_n(&found, &none, fetched, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        EVP_MD_free(fetched);
        fetched = none;
    }
    return fetched;
}
#else
static const EVP_MD *sha256(void)
{
    return EVP_sha256();
}
#endif

apr_status_t um_digest_sha256(char hex[UM_SHA256_HEX_LENGTH + 1], const um_digest_part_t *parts,
                              apr_size_t count)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = context != NULL && EVP_DigestInit_ex(context, sha256(), NULL);

    for (apr_size_t i = 0; good && i < count; i++) {
        apr_uint64_t length = parts[i].length;

        good = EVP_DigestUpdate(context, &length, sizeof(length))
               && EVP_DigestUpdate(context, parts[i].bytes, parts[i].length);
    }
    good = good && EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    if (!good) {
        return APR_EGENERAL;
    }
    return apr_escape_hex(hex, digest, UM_SHA256_HEX_LENGTH / 2, 0, NULL);
}

int um_digest_equal(const char a[UM_SHA256_HEX_LENGTH + 1],
                    const char b[UM_SHA256_HEX_LENGTH + 1])
{
    return CRYPTO_memcmp(a, b, UM_SHA256_HEX_LENGTH) == 0;
}

void um_digest_wipe(void *bytes, apr_size_t length)
{
    OPENSSL_cleanse(bytes, length);
}

void um_digest_end_thread(void)
{
    OPENSSL_thread_stop();
}
