/* SPDX-License-Identifier: MIT */
/* The weak cache that users of shared_ptr write: an unordered_map of weak_ptr under a mutex, with a deleter that takes
 * the entry out. `peer` is as in shared_ptr.h. */
#include "work.h"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace {

struct cached_payload : payload {
    std::string key;
    ~cached_payload();
};

std::mutex cache_mutex;
std::unordered_map<std::string, peer::weak_ptr<cached_payload>> *cache;

/* An entry that another object has taken over is not this one's to remove. */
cached_payload::~cached_payload() {
    if (key.empty())
        return;
    std::lock_guard<std::mutex> lock(cache_mutex);
    auto found = cache->find(key);
    if (found != cache->end() && found->second.expired())
        cache->erase(found);
}

using cache_object = peer::shared_ptr<cached_payload>;

cache_object cache_new_object() {
    return peer::make_shared<cached_payload>();
}
void cache_drop(cache_object *obj) {
    obj->reset();
}
payload *cache_payload(cache_object *obj) {
    return obj->get();
}
void cache_prepare() {
    cache = new std::unordered_map<std::string, peer::weak_ptr<cached_payload>>;
}
cache_object cache_get(const struct bench_key *key) {
    std::string text(key->text, BENCH_KEY_LENGTH);
    std::lock_guard<std::mutex> lock(cache_mutex);
    auto found = cache->find(text);
    return found == cache->end() ? cache_object() : found->second.lock();
}
void cache_put(const struct bench_key *key, cache_object *obj) {
    (*obj)->key.assign(key->text, BENCH_KEY_LENGTH);
    std::lock_guard<std::mutex> lock(cache_mutex);
    (*cache)[(*obj)->key] = *obj;
}
cache_object cache_get_or_create(const struct bench_key *key) {
    std::string text(key->text, BENCH_KEY_LENGTH);
    std::lock_guard<std::mutex> lock(cache_mutex);
    auto &entry = (*cache)[text];
    cache_object obj = entry.lock();
    if (obj == nullptr)
        entry = obj = cache_new_object();
    return obj;
}
void cache_thread() {
}
void cache_settle() {
}

} // namespace

#include "rows_cache.h"
