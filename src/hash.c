/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include "os.h"

void hash_secret_make(struct hash_secret *secret) {
    os_random(secret, sizeof *secret);
}
