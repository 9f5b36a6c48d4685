/* SPDX-License-Identifier: MIT */
/* SipHash-1-3, after Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). */
#include "hash.h"

#include <string.h>

#include "os.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

static inline void round_once(struct state *s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline struct state start(const struct hash_secret *secret) {
    return (struct state){
        secret->k0 ^ UINT64_C(0x736f6d6570736575), secret->k1 ^ UINT64_C(0x646f72616e646f6d),
        secret->k0 ^ UINT64_C(0x6c7967656e657261), secret->k1 ^ UINT64_C(0x7465646279746573)};
}

static inline void take(struct state *s, uint64_t word) {
    s->v3 ^= word;
    round_once(s);
    s->v0 ^= word;
}

static inline uint64_t finish(struct state *s) {
    s->v2 ^= 0xff;
    round_once(s);
    round_once(s);
    round_once(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Up to 8 bytes, the first lowest, whatever the machine. */
static inline uint64_t word_at(const unsigned char *bytes, size_t count) {
    uint64_t word = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count == 8) {
        memcpy(&word, bytes, 8);
        return word;
    }
#endif
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

void hash_secret_make(struct hash_secret *secret) {
    os_random(secret, sizeof *secret);
}

uint64_t hash_bytes(const struct hash_secret *secret, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    struct state s = start(secret);
    size_t left = len;
    for (; left >= 8; left -= 8, at += 8)
        take(&s, word_at(at, 8));
    /* What is left over: the end of the last 8 bytes, without a loop, where there are as many. */
    uint64_t tail = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (left != 0 && len >= 8)
        tail = word_at(at + left - 8, 8) >> (8 * (8 - left));
    else
#endif
        tail = word_at(at, left);
    take(&s, tail | (uint64_t)len << 56);
    return finish(&s);
}

uint64_t hash_word(const struct hash_secret *secret, uint64_t word) {
    struct state s = start(secret);
    take(&s, word);
    take(&s, UINT64_C(8) << 56);
    return finish(&s);
}
