/* SPDX-License-Identifier: MIT */
/* The weak cache that users of GLib write: a GHashTable of GWeakRef under a mutex; a weak notify takes an entry out. */
#include "glib_peer.h"

#if HAVE_GLIB
static GMutex mutex;
static GHashTable *cache; /* key, which it owns -> struct entry */

struct entry {
    GWeakRef ref;
    GObject *whose; /* for comparing only */
};

typedef void *cache_object;

static void free_entry(gpointer data) {
    struct entry *entry = data;
    g_weak_ref_clear(&entry->ref);
    g_free(entry);
}

/* An entry that another object has taken over is not this one's to remove. */
static void forget(gpointer data, GObject *obj) {
    g_mutex_lock(&mutex);
    struct entry *entry = g_hash_table_lookup(cache, data);
    if (entry != NULL && entry->whose == obj)
        g_hash_table_remove(cache, data);
    g_mutex_unlock(&mutex);
    g_free(data);
}

static cache_object cache_new_object(void) {
    return g_object_new(glib_type(sizeof(struct payload)), NULL);
}
static void cache_drop(cache_object *obj) {
    g_object_unref(*obj);
}
static struct payload *cache_payload(cache_object *obj) {
    return *obj != NULL ? glib_payload(*obj) : NULL;
}
static void cache_prepare(void) {
    cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_entry);
}
static cache_object find(const struct bench_key *key) {
    struct entry *entry = g_hash_table_lookup(cache, key->text);
    return entry != NULL ? g_weak_ref_get(&entry->ref) : NULL;
}
static cache_object cache_get(const struct bench_key *key) {
    g_mutex_lock(&mutex);
    cache_object obj = find(key);
    g_mutex_unlock(&mutex);
    return obj;
}
static void put(const struct bench_key *key, cache_object obj) {
    struct entry *entry = g_new(struct entry, 1);
    entry->whose = obj;
    g_weak_ref_init(&entry->ref, obj);
    g_hash_table_replace(cache, g_strdup(key->text), entry);
    g_object_weak_ref(obj, forget, g_strdup(key->text));
}
static void cache_put(const struct bench_key *key, cache_object *obj) {
    g_mutex_lock(&mutex);
    put(key, *obj);
    g_mutex_unlock(&mutex);
}
static cache_object cache_get_or_create(const struct bench_key *key) {
    g_mutex_lock(&mutex);
    cache_object obj = find(key);
    if (obj == NULL)
        put(key, obj = cache_new_object());
    g_mutex_unlock(&mutex);
    return obj;
}
static void cache_thread(void) {
}
static void cache_settle(void) {
}

#include "rows_cache.h"
#endif
