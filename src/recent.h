/* SPDX-License-Identifier: MIT */
/* The rows of a cache with limits: entries in the order of their use, of which the newest are kept alive by
 * references of the cache's own, and those beyond the bound are taken out. Each shard has its part of each
 * limit. */
#ifndef WR_RECENT_H
#define WR_RECENT_H

#include "table.h"

/* For a whole cache; constant. */
struct limits {
    size_t entries;     /* no more than that many; 0: no bound */
    size_t keep;        /* how many of the newest are kept alive */
    size_t keep_weight; /* how much they may weigh together; 0: whatever */
};

/* What has to be let go of when the lock was given back. */
struct evicted {
    struct node *nodes[8];
    void *kept[8];
    unsigned node_count, kept_count;
    bool more; /* than it holds */
    uint32_t garbage;
};

/* Make it empty. Its arrays stay as they are: most of the time nothing is evicted. */
static inline void evicted_start(struct evicted *evicted) {
    evicted->node_count = evicted->kept_count = 0;
    evicted->more = false;
    evicted->garbage = 0;
}

/* Note the use of a node that is in. */
void recent_use(struct ranked *node, struct shard *shard) REQUIRES(shard->lock);

/* Keep what is to be kept, after an insertion or use, and take off what is beyond the limits, as much as
 * *evicted holds. `used`: a node whose referent is alive, held by the caller; NULL: none. */
void recent_limit(struct ranked *used, struct shard *shard, const struct limits *limits,
                  struct evicted *evicted) REQUIRES(shard->lock);

/* Let go of it. No lock is held. */
void recent_let_go(struct evicted *evicted);

#endif /* WR_RECENT_H */
