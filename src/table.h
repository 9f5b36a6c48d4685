/* SPDX-License-Identifier: MIT */
/*
 * The hash table that containers are made of. A node stands for one entry: an object of its own, on the list
 * of the object it refers to (its referent, registry.h), whose end takes it out of the table.
 *
 *   shard     one of a power of two of parts, chosen by the top bits of the hash; its lock, a leaf, guards
 *             all of it
 *   bucket    chosen by the low bits (bucket.h); linear hashing: the table grows and shrinks by one bucket at a
 *             time, in segments of fixed size, so that no single step is long, however many entries there are
 *
 * Whose references keep a node: one is the list's, until the node is popped or taken back; one is the
 * table's, while it is in. A shard knows how many nodes the lists have of it: the last of them to come back
 * frees the table that its owner has freed before.
 *
 * The order of things. Put in: link to the referent, under the stripe; then into the bucket, under the shard.
 * The referent's end may come in between: then the node is GONE, and does not go in. Take out: from the
 * bucket, under the shard; then take back from the referent, under the stripe. The end may come in between:
 * then it finds the node out already. It takes out this very node or nothing, never another one of the same
 * key (S47).
 */
#ifndef WR_TABLE_H
#define WR_TABLE_H

#include <errno.h>
#include <string.h>

#include "bucket.h"
#include "hash.h"

/* entry.own */
enum node_flags {
    NODE_IN = 1,   /* in its bucket */
    NODE_GONE = 2, /* its referent's end has come for it */
};

/* A node of a table in which all nodes of a shard are also in a row, by age or use. Guarded by the shard's
 * lock. */
struct ranked {
    struct node node; /* first */
    struct ranked *newer, *older;
    void *kept;    /* a reference to the referent, or NULL */
    size_t weight; /* constant once in; of `kept` */
};

/* Somebody who goes along a row from old to new, on its stack. Guarded by the shard's lock. */
struct reader {
    struct reader *outer; /* the one that came before */
    struct ranked *next;  /* to be met next; NULL: none */
    const void *thread;   /* constant: &thread_current of its thread */
};

struct row {
    struct ranked *newest, *oldest;
    struct ranked *last_kept; /* no older one is kept; NULL: none is */
    size_t kept, kept_weight; /* how many are kept, and their weights */
    struct reader *readers;   /* the newest first */
};

/* Return the next newer node that is kept, or NULL. */
static inline struct ranked *row_kept_after(const struct ranked *node) {
    struct ranked *newer = node->newer;
    while (newer != NULL && newer->kept == NULL)
        newer = newer->newer;
    return newer;
}

#define SHARD_MAX 128u
#define SEGMENT 64u /* buckets: 4 KiB, so that making and clearing one takes no time to speak of */
#define PIECE 8u    /* buckets of less than that */
#ifndef WR_FEW
#define WR_FEW 1u /* buckets there is room for in place; a model splits there */
#endif
_Static_assert(PIECE_BYTES == WR_GRANULE + PIECE * sizeof(struct bucket), "arena.h knows");
_Static_assert(SEGMENT_BYTES == WR_GRANULE + SEGMENT * sizeof(struct bucket), "arena.h knows");

struct shard {
    struct lock
        lock; /* guards all that is not constant; the next four are also read without it (seqcount.h) */
    uint32_t buckets;          /* in use */
    uint32_t mask;             /* 2^n - 1; buckets <= mask < 2 * buckets */
    uint64_t sequence;         /* of changes to buckets, what they are found by, and who is in them */
    struct bucket **directory; /* [directory_room], of segments; the first may be a smaller piece */
    uint32_t room;             /* buckets there is memory for: up to SEGMENT in one piece, then in segments */
    uint32_t directory_room;
    struct bucket *first;          /* what the directory is as long as one segment does */
    struct directory *directories; /* all that are longer, the longest first */
    size_t count;                  /* nodes that are in */
    size_t linked;                 /* nodes that lists may yet bring back */
    bool closed;                   /* the owner is done with it */
    struct table *table;           /* constant */
    struct making *makings;        /* under way (making.h) */
    struct row row;
    uint64_t born;   /* how many nodes came in, where they are numbered */
    uint64_t popped; /* where the last search for any entry ended, as cursor.at */
    struct bucket few[WR_FEW];
} __attribute__((aligned(128)));

/* The first field of a container. */
struct table {
    struct table *next, **at; /* in the list of all, for fork; guarded by its lock */
    void *memory;             /* constant: what the table is in */
    struct shard *shards;     /* constant */
    uint32_t shard_count;     /* constant; a power of two */
    bool ranked;              /* constant: nodes are struct ranked */
    bool steady; /* constant: looked at without its locks, and made of what allows that (arena.h) */
    struct hash_secret secret;
    struct lock closing;
    uint32_t open; /* shards that are not over; guarded by `closing` */
};

/* ---- tables ---- */

/* Return how many shards to make when the user does not say: sixteen for each processor, so that two threads
 * hardly ever meet; 64 at the most. */
uint32_t table_default_shards(void);

/* Make a container of `size` bytes that starts with a table of `shards` shards, a power of two. Returns NULL,
 * errno ENOMEM. */
void *table_new(size_t size, uint32_t shards);

/* Free the memory of an empty table once no list has a node of it. The caller is done with it. */
void table_free(struct table *table);

/* Return the shard of a hash. */
static inline struct shard *table_shard(const struct table *table, uint64_t hash) {
    return &table->shards[(uint32_t)(hash >> 57) & (table->shard_count - 1)];
}

/* Return a bucket by its number. */
static inline struct bucket *shard_bucket_at(const struct shard *shard, uint32_t i) {
    return &shard->directory[i / SEGMENT][i % SEGMENT];
}

/* Return the number of the bucket that the nodes of a hash are in. */
static inline uint32_t bucket_number(uint64_t hash, uint32_t buckets, uint32_t mask) {
    uint32_t i = (uint32_t)hash & mask;
    return i < buckets ? i : i & mask >> 1;
}

static inline struct bucket *shard_bucket(const struct shard *shard, uint64_t hash) {
    return shard_bucket_at(shard, bucket_number(hash, shard->buckets, shard->mask));
}

/* Put a node in, newest in its row, in place of `old`, one of the same key that is in, if it is not NULL: nobody finds
 * neither. Returns whether table_make_room is due, when the lock is given back. */
bool table_insert(struct node *node, struct node *old, struct shard *shard) REQUIRES(shard->lock);
void table_make_room(struct shard *shard);

/* Take a node that is in out. What buckets that frees are put on *garbage (0: none), for table_discard without the
 * lock. */
void table_remove(struct node *node, struct shard *shard, uint32_t *garbage) REQUIRES(shard->lock);
void table_discard(uint32_t garbage);

/* Take all nodes out and let them go. */
void table_clear(struct table *table);

/* Note that no list has a node of a closed shard any more: with the last shard, the table goes. */
void table_shard_over(struct table *table);

/* ---- growing and shrinking ---- */

/* Give a new shard the few it starts with; free the memory of an empty one's. */
void buckets_start(struct shard *shard);
void buckets_free(struct shard *shard);

/* Nodes for each bucket: so few that nearly all find a place, in buckets that are to be split next too. And when
 * buckets are given up. */
#ifndef WR_MOST
#define WR_MOST 4u
#endif
#define LEAST 1u

/* Tell whether there are more nodes than so many buckets should have, and whether too few for those it has. */
static inline bool shard_is_full(const struct shard *shard, uint32_t buckets) {
    return shard->count > (size_t)WR_MOST * buckets;
}

static inline bool shard_is_sparse(const struct shard *shard) {
    return shard->count < (size_t)LEAST * shard->buckets;
}

/* Make more when a node came, as far as there is room: returns whether table_make_room is due. Give some up when one
 * went; what memory that frees is put on *garbage. */
bool buckets_grow_slow(struct shard *shard) REQUIRES(shard->lock);
void buckets_shrink_slow(struct shard *shard, uint32_t *garbage) REQUIRES(shard->lock);

static inline bool buckets_grow(struct shard *shard) REQUIRES(shard->lock) {
    return wr_unlikely(shard_is_full(shard, shard->buckets)) && buckets_grow_slow(shard);
}

static inline void buckets_shrink(struct shard *shard, uint32_t *garbage) REQUIRES(shard->lock) {
    if (wr_unlikely(shard_is_sparse(shard)))
        buckets_shrink_slow(shard, garbage);
}

/* ---- nodes ---- */

/* Tell what is wrong with `obj` as a referent: -EINVAL: NULL; -ENOTSUP: not weakly referenceable; else 0. */
int node_refuses(const void *obj);

/* Make a node of `type`, an object of `size` bytes that starts with a struct node. Returns NULL; errno is
 * kept. */
void *node_new(const wr_type *type, size_t size, struct shard *shard, uint64_t hash);

/* The same in a slot of a steady class, for a steady table. What follows the struct node is as it was left. */
void *node_new_steady(const wr_type *type, size_t size, struct shard *shard, uint64_t hash);

/* Link a new node to its referent, which the caller holds. Returns 0; -ESTALE: that is killed or dying, and
 * the node is released. */
int node_link(struct node *node, void *referent);

/* Note, once for each linked node, under the lock it goes in by, that the lists have it. Returns false: they
 * had, it is GONE. */
bool node_arrive(struct node *node, struct shard *shard) REQUIRES(shard->lock);

/* Let go of a node that was taken out, or has not gone in: take it back from its referent, and give up the
 * table's reference. No lock is held. */
void node_drop(struct node *node);

/* ---- walking ---- */

/*
 * A place in the order of walks: by shard, then by the hash with its bits reversed, then by address. In that
 * order a bucket is an interval, and splitting it cuts the interval in two: however the table grows and
 * shrinks between two steps, an entry that is there all the time is met once.
 */
struct cursor {
    uint32_t shard;
    uint64_t at;             /* reversed hash */
    const struct node *last; /* met last of those with that hash; NULL: none */
};

#define WALK_BATCH 32u

/* Return the shard a walk has come to; NULL: it is over. */
struct shard *cursor_shard(const struct table *table, const struct cursor *cursor);

/* Collect the next nodes of the shard a walk has come to, at most WALK_BATCH; none does not mean that there
 * are no more. Moves the cursor on. Returns how many. */
unsigned cursor_next(struct cursor *cursor, struct shard *shard, struct node **nodes) REQUIRES(shard->lock);

/* The same, each with a reference, and its referent in *referents, with one too; the dead are left out. Takes
 * and gives back the lock. */
unsigned cursor_pin(struct cursor *cursor, struct shard *shard, struct node **nodes, void **referents);

/* Take any node whose referent is alive out; *referent: that, with a reference. Returns NULL: there is none.
 * The node is to be dropped. */
struct node *table_take_any(struct table *table, void **referent);

/* Count the nodes whose referents are alive. */
size_t table_count(struct table *table);

/* ---- fork ---- */

void table_lock_all(void);
void table_unlock_all(void);

/* In the child, with all locks held: forget what absent threads were about. */
void table_forget_absent(void);

#endif /* WR_TABLE_H */
