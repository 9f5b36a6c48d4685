/* SPDX-License-Identifier: MIT */
/* The hash of keys: SipHash-1-3, as others compute it, and a secret that differs from table to table. */
#include "hash.h"
#include "common.h"

static uint64_t hash(const struct hash_secret *secret, const unsigned char *bytes, size_t len) {
    return hash_bytes(secret, bytes, len, hash_tail(bytes, len));
}

/* Values of SipHash-1-3 with the key 00 01 ... 0f and the messages "", 00, 00 01, ...: made by Rust's SipHasher13. */
TEST(siphash_1_3_gives_the_published_values) {
    static const uint64_t expected[] = {
        UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0x82cb9b024dc7d44d),
        UINT64_C(0x8bf80ab8e7ddf7fb), UINT64_C(0xcf75576088d38328), UINT64_C(0xdef9d52f49533b67),
        UINT64_C(0xc50d2b50c59f22a7), UINT64_C(0xd3927d989bb11140), UINT64_C(0x369095118d299a8e),
    };
    struct hash_secret secret;
    unsigned char bytes[16];
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (unsigned char)i;
    secret.k0 = UINT64_C(0x0706050403020100);
    secret.k1 = UINT64_C(0x0f0e0d0c0b0a0908);
    for (unsigned len = 0; len < sizeof expected / sizeof expected[0]; len++)
        CHECK(hash(&secret, bytes, len) == expected[len]);
}

TEST(every_byte_of_a_key_and_its_length_count) {
    struct hash_secret secret;
    hash_secret_make(&secret);
    unsigned char key[40] = {0};
    uint64_t zero = hash(&secret, key, sizeof key);
    for (unsigned i = 0; i < sizeof key; i++) {
        key[i] = 1;
        CHECK(hash(&secret, key, sizeof key) != zero);
        key[i] = 0;
        CHECK(hash(&secret, key, i) != zero);
    }
}

/* Each key in memory of its own, so that tools see who reads before or behind it. */
TEST(the_tail_of_a_key_is_what_is_behind_its_whole_words) {
    for (size_t len = 0; len < 40; len++) {
        unsigned char *key = malloc(len != 0 ? len : 1);
        unsigned char tail[8] = {0};
        REQUIRE(key != NULL);
        for (size_t i = 0; i < len; i++) {
            key[i] = (unsigned char)(0x81 + 7 * i);
            if (i >= len / 8 * 8)
                tail[i % 8] = key[i];
        }
        uint64_t got = hash_tail(key, len);
        CHECK(memcmp(&got, tail, sizeof tail) == 0);
        free(key);
    }
}

TEST(no_two_secrets_are_the_same) {
    struct hash_secret secrets[16];
    for (unsigned i = 0; i < 16; i++) {
        hash_secret_make(&secrets[i]);
        for (unsigned k = 0; k < i; k++)
            CHECK(secrets[i].k0 != secrets[k].k0 && secrets[i].k1 != secrets[k].k1);
    }
}

TEST(keys_that_count_up_spread_over_shards_and_buckets) {
    struct hash_secret secret;
    hash_secret_make(&secret);
    unsigned shards[8] = {0}, buckets[64] = {0};
    for (uint64_t i = 0; i < 6400; i++) {
        uint64_t key_hash = hash(&secret, (const unsigned char *)&i, sizeof i);
        shards[key_hash >> 61]++;
        buckets[key_hash & 63]++;
    }
    for (unsigned i = 0; i < 8; i++)
        CHECK(shards[i] > 600 && shards[i] < 1000);
    for (unsigned i = 0; i < 64; i++)
        CHECK(buckets[i] > 40 && buckets[i] < 180);
}
