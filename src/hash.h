/* SPDX-License-Identifier: MIT */
/*
 * Hashes for tables. Whoever chooses the keys of a table must not be able to choose ones that collide: keys
 * that come from outside are hashed by SipHash-1-3 under a secret of the table's own. (One round for each
 * word and three at the end is what Python, Ruby and Rust use for their tables: the result is never shown to
 * anybody.) After Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). In a header, because a third of
 * what a look-up does is this.
 */
#ifndef WR_HASH_H
#define WR_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "os.h"

struct hash_secret {
    uint64_t k0, k1;
};

/* Make a secret that nobody can guess. */
static inline void hash_secret_make(struct hash_secret *secret) {
    os_random(secret, sizeof *secret);
}

/* ---- words of keys ---- */

/* Turn a word whose first byte in memory is the lowest into one as it stands in memory, or back. */
static inline uint64_t hash_swapped(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return word;
#else
    return __builtin_bswap64(word);
#endif
}

static inline uint64_t hash_load(const unsigned char *at, size_t size) {
    uint64_t word = 0;
    memcpy(&word, at, size);
    return word;
}

/* Return what is left of `len` bytes behind all whole words of 8, and zeros, as a word stands in memory. Without a
 * loop, by reading some bytes twice. */
static inline uint64_t hash_tail(const unsigned char *bytes, size_t len) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (len >= 8)
        return hash_load(bytes + len - 8, 8) >> 8 >> (56 - 8 * (len & 7));
    if (len >= 4)
        return hash_load(bytes, 4) | hash_load(bytes + len - 4, 4) << 8 * (len - 4);
#endif
    unsigned char tail[8] = {0};
    for (size_t i = len & ~(size_t)7; i < len; i++)
        tail[i & 7] = bytes[i];
    return hash_load(tail, 8);
}

/* ---- SipHash ---- */

struct hash_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t hash_rotate(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

static inline void hash_round(struct hash_state *s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = hash_rotate(s->v1, 13) ^ s->v0;
    s->v3 = hash_rotate(s->v3, 16) ^ s->v2;
    s->v0 = hash_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = hash_rotate(s->v1, 17) ^ s->v2;
    s->v3 = hash_rotate(s->v3, 21) ^ s->v0;
    s->v2 = hash_rotate(s->v2, 32);
}

static inline struct hash_state hash_start(const struct hash_secret *secret) {
    return (struct hash_state){
        secret->k0 ^ UINT64_C(0x736f6d6570736575), secret->k1 ^ UINT64_C(0x646f72616e646f6d),
        secret->k0 ^ UINT64_C(0x6c7967656e657261), secret->k1 ^ UINT64_C(0x7465646279746573)};
}

/* Take a word in, whose first byte in memory is the lowest. */
static inline void hash_take(struct hash_state *s, uint64_t word) {
    s->v3 ^= word;
    hash_round(s);
    s->v0 ^= word;
}

static inline uint64_t hash_finish(struct hash_state *s) {
    s->v2 ^= 0xff;
    hash_round(s);
    hash_round(s);
    hash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Hash `len` bytes, the last ones of which are `tail`; `bytes` may be NULL when len is 0. */
static inline __attribute__((always_inline)) uint64_t
hash_bytes(const struct hash_secret *secret, const void *bytes, size_t len, uint64_t tail) {
    struct hash_state s = hash_start(secret);
    const unsigned char *at = bytes;
    for (size_t words = len / 8; words != 0; words--, at += 8)
        hash_take(&s, hash_swapped(hash_load(at, 8)));
    hash_take(&s, hash_swapped(tail) | (uint64_t)len << 56);
    return hash_finish(&s);
}

/* Spread a hash of somebody else's making over all bits: the finalizer of MurmurHash3, a bijection, so that
 * it collides no more than what it was given. */
static inline uint64_t hash_spread(uint64_t x) {
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

#endif /* WR_HASH_H */
