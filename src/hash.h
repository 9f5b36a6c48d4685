/* SPDX-License-Identifier: MIT */
/*
 * Hashes for tables. Whoever chooses the keys of a table must not be able to choose ones that collide: keys
 * that come from outside are hashed by SipHash-1-3 under a secret of the table's own. (One round for each
 * word and three at the end is what Python, Ruby and Rust use for their tables: the result is never shown to
 * anybody.)
 */
#ifndef WR_HASH_H
#define WR_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_secret {
    uint64_t k0, k1;
};

/* Make a secret that nobody can guess. */
void hash_secret_make(struct hash_secret *secret);

/* Hash `len` bytes; `bytes` may be NULL when len is 0. */
uint64_t hash_bytes(const struct hash_secret *secret, const void *bytes, size_t len);

/* Hash one word, by the same function. */
uint64_t hash_word(const struct hash_secret *secret, uint64_t word);

/* Spread a hash of somebody else's making over all bits: the finalizer of MurmurHash3, a bijection, so that
 * it collides no more than what it was given. */
static inline uint64_t hash_spread(uint64_t x) {
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

#endif /* WR_HASH_H */
