/* SPDX-License-Identifier: MIT */
/*
 * weakrt: objects with atomic strong counts, and weak references that never dangle.
 *
 * Words used here
 *   object      memory made by wr_new and described by a wr_type; lives while its strong count is above 0
 *   strong reference  one unit of that count; whoever owns one must give it up once, by wr_release
 *   weak value  a wr_weak: 64 plain bits that name an object without keeping it alive
 *   alive, dead a weak value is alive until its object dies, is cleared or is killed; then it is dead for ever
 *   killed      an object whose weak values are all dead while strong references still hold it
 *   destroy     the type's function that releases what an object owns; runs once, after death
 *
 * Thread rules
 *   Every function may be called from any thread at any time unless its comment says otherwise. A `void *obj`
 *   argument needs a strong reference that stays valid for the whole call. A wr_weak argument needs nothing.
 *   The fields of your own payload are yours to guard: weakrt orders creation before get, and every release
 *   before destroy, and nothing else.
 *   Async-signal-safe: wr_weak_get, wr_weak_is_dead, wr_release_later, and the wr_weak conversions. Nothing else.
 *   destroy and finalize must not throw, longjmp, call pthread_exit or be cancelled. No function is a
 *   cancellation point.
 *
 * What may overlap with what, on one object
 *                  retain  release  weak_of  weak_get  is_dead  kill
 *     retain          y       y        y         y        y       y
 *     release         y       y        y         y        y       y      each by a holder of its own reference
 *     weak_get        y       y        y         y        y       y      by anybody
 *
 * Errors: functions that can fail return a negative errno, constructors return NULL and set errno; errno is
 * otherwise preserved, also across destroy. The S and D numbers in the comments are statements of
 * docs/semantics.md and sections of src/DESIGN.md.
 *
 * Misuse: a pointer that is not what its comment asks for, such as that of an object to which the caller has no
 * reference, is undefined behaviour. Where that can be told, which `On misuse` says, the library writes one line
 * and aborts (wr_set_fatal_handler).
 */
#ifndef WEAKRT_H
#define WEAKRT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WR_VERSION_MAJOR 0
#define WR_VERSION_MINOR 9
#define WR_VERSION_PATCH 0

#if defined(__GNUC__)
#define WR_API __attribute__((visibility("default")))
#define WR_MUST_USE __attribute__((warn_unused_result))
#define WR_ALIGNED_8 __attribute__((aligned(8)))
#else
#error "weakrt needs gcc, clang or a compiler that speaks their attributes"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- version ---- */

/* Return the version of the library that is running: major * 10000 + minor * 100 + patch.
 * Returns:   the number; compare with WR_VERSION to notice a header of another version.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D5.   Since: 0.9 */
WR_API uint32_t wr_version(void);
#define WR_VERSION (WR_VERSION_MAJOR * 10000 + WR_VERSION_MINOR * 100 + WR_VERSION_PATCH)

/* ---- types ---- */

typedef struct wr_queue wr_queue;

/* What a trace function calls for each strong reference its object owns. */
typedef void (*wr_visit)(void *child, const char *field, void *arg);

#define WR_TYPE_ABI 1u /* value of wr_type.abi for this header */

/* wr_type.flags */
#define WR_NO_WEAKREF 1u /* objects of this type cannot be weakly referenced (S6) */
#define WR_BORROWABLE 2u /* wr_borrow of these objects writes no shared memory; their death costs more */
#define WR_LISTED 256u   /* every object of this type is reached by wr_kill_all */

#define WR_MAX_SIZE 65536u /* bytes of payload; for more, put a pointer in a box (wr_box_new) */
#define WR_MAX_ALIGN 32u

/* A kind of object. Define it static const; it must outlive every object made with it, and the code its
 * functions are in must stay loaded as long. Fields left zero have the meaning given here. */
typedef struct wr_type {
    uint32_t abi;               /* WR_TYPE_ABI */
    uint32_t flags;             /* 0, or WR_NO_WEAKREF, WR_BORROWABLE */
    const char *name;           /* for messages and reports; NULL: "object" */
    size_t size;                /* payload bytes, zeroed by wr_new; 0 is allowed */
    size_t align;               /* of the payload: 0, or a power of two up to WR_MAX_ALIGN; it is always 32 */
    const struct wr_type *base; /* NULL: a plain object; &wr_weakref_type: a weakref with state of its own */
    wr_queue **queue;           /* NULL: destroy runs where the last reference is dropped */
    void (*destroy)(
        void *self); /* release what the object owns; runs once, after death; NULL: nothing to do */
    void (*finalize)(void *self); /* before death, self fully usable; may resurrect with wr_retain(self) */
    void (*trace)(void *self, wr_visit visit, void *arg);     /* visit every strong reference self owns */
    int (*describe)(const void *self, char *buf, size_t len); /* as snprintf */
    bool (*equal)(const void *a, const void *b);
    int (*hash)(const void *self, uint64_t *out); /* 0, or a negative errno */
    void *reserved[3];                            /* zero */
} wr_type;

/* ---- objects ---- */

/* Make an object of `type`: payload of type->size zero bytes, aligned to 32, strong count 1.
 * Gives:     one strong reference to the caller.
 * Returns:   the payload; NULL with errno EINVAL (type NULL, of another ABI, with unknown flags, with an
 *            alignment that is not a power of two up to WR_MAX_ALIGN, larger than WR_MAX_SIZE, or with a base:
 *            see wr_weakref_new_ex), ENOMEM.
 * Order:     what is written to the payload before its weak value is published (release) is seen after a get
 *            (S57).
 * Blocks:    when the thread's cache of slots is empty, briefly on the lock of the size class.
 * Allocates: address space in steps of 2 MiB, once; a per-thread record at a thread's first use.
 * Callbacks: none, but for the destroy of objects whose last reference was given back inside a failed
 *            wr_weak_get: a refill of the cache runs those that wait.
 * See:       D3.   Since: 0.9 */
WR_API void *wr_new(const wr_type *type) WR_MUST_USE;

/* Make an object with `extra_bytes` more payload than type->size says, zeroed too.
 * Gives:     one strong reference to the caller.
 * Returns:   as wr_new; EINVAL also when type->size + extra_bytes exceeds WR_MAX_SIZE.
 * Blocks:    as wr_new.   Allocates: as wr_new.   Callbacks: as wr_new.
 * See:       D3.   Since: 0.9 */
WR_API void *wr_new_flex(const wr_type *type, size_t extra_bytes) WR_MUST_USE;

/* Take one more strong reference to an object.
 * Needs:     a strong reference to `obj`, or NULL, which does nothing.
 * Gives:     one strong reference, to be given up by its own wr_release.
 * Returns:   obj.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * On misuse: a dead object, memory that is no object, or a count past 2^26: fatal, with a message.
 * See:       D3, D8.   Since: 0.9 */
WR_API void *wr_retain(void *obj);

/* Give up one strong reference; when it was the last, the object dies: its weak values all read dead at one
 * instant, then destroy runs, then its memory is reused.
 * Takes:     one strong reference, or NULL, which does nothing.
 * Order:     what any thread wrote before its release is seen by destroy (S57).
 * Blocks:    never by itself; destroy may.
 * Allocates: never (S19).
 * Callbacks: finalize and destroy on this thread, when it was the last reference; inside another destroy they
 *            wait until the outermost one returns, and run in the order of the deaths: no recursion (S9, S20,
 *            S21). errno is kept (S14).
 * On misuse: a reference too many, or memory that is no object: fatal, with a message, as far as it can be
 *            told.
 * See:       D3, D4.   Since: 0.9 */
WR_API void wr_release(void *obj);

/* ---- who holds what ---- */

/* A reference with a name: what wr_hold leaves for the wr_drop of the same reference, as a plain value to be kept,
 * moved and copied beside it. With WEAKRT_DEBUG=holders (wr_debug) the library knows by it where each reference was
 * taken and given up: wr_report_live, wr_report_holders, the timeout of wr_kill_wait and messages about misuse then
 * name the places. Without, it stays 0 and costs a comparison. References with and without one may be mixed at will. */
typedef struct wr_holder {
    uint64_t bits WR_ALIGNED_8;
} wr_holder;

#define WR_PLACE_TEXT_(line) #line
#define WR_PLACE_TEXT(line) WR_PLACE_TEXT_(line)
#define WR_PLACE __FILE__ ":" WR_PLACE_TEXT(__LINE__) /* where this stands, as a text that stays for ever */

#define wr_hold(obj, holder) wr_hold_at(obj, holder, WR_PLACE)
#define wr_drop(obj, holder) wr_drop_at(obj, holder, WR_PLACE)
#define wr_track(obj, holder) wr_track_at(obj, holder, WR_PLACE)
#define wr_untrack(obj, holder) wr_untrack_at(obj, holder, WR_PLACE)

/* Take one more strong reference to an object, as wr_retain does, and note for it that it was taken at `place`.
 * Needs:     a strong reference to `obj`, or NULL, which does nothing; a `place` that stays for ever, as texts in the
 *            program do (not in a plugin that is unloaded).
 * Gives:     one strong reference, to be given up by wr_drop; *holder for that, whatever it was before.
 * Returns:   obj.
 * Blocks:    never; when the reference is recorded, briefly on the object's stripe.
 * Allocates: nothing, or a record as wr_new; without memory the reference has none, which the reports count.
 * Callbacks: none, or as wr_new when it is recorded. errno is kept.
 * On misuse: as wr_retain; the message names the place.
 * See:       D14.   Since: 0.9 */
WR_API void *wr_hold_at(void *obj, wr_holder *holder, const char *place);

/* Give up a strong reference, as wr_release does, and its record, if there is one.
 * Needs:     the *holder of that reference, on one thread at a time; also when recording was switched off meanwhile.
 * Takes:     one strong reference, or NULL, which does nothing.
 * Blocks:    as wr_release; for a recorded one, briefly on the object's stripe.
 * Allocates: never.   Callbacks: as wr_release.
 * On misuse: as wr_release. A recorded reference that is given up twice, or with the holder of another object: fatal;
 *            the message says where it was held and given up.
 * See:       D14.   Since: 0.9 */
WR_API void wr_drop_at(void *obj, wr_holder *holder, const char *place);

/* Note for a reference that the caller has already (from wr_new, wr_weak_get, a container) where it is held.
 * Needs:     as wr_hold_at.
 * Gives:     *holder, for wr_drop or wr_untrack.
 * Blocks:    as wr_hold_at.   Allocates: as wr_hold_at.   Callbacks: as wr_hold_at.
 * On misuse: as wr_hold_at.
 * See:       D14.   Since: 0.9 */
WR_API void wr_track_at(void *obj, wr_holder *holder, const char *place);

/* End the record of a reference that goes on without: given to a container, to wr_kill_wait, to code that releases.
 * Needs:     as wr_drop_at. *holder is 0 afterwards.
 * Blocks:    as wr_drop_at.   Allocates: never.   Callbacks: none.
 * On misuse: as wr_drop_at.
 * See:       D14.   Since: 0.9 */
WR_API void wr_untrack_at(void *obj, wr_holder *holder, const char *place);

/* Return the type an object was made with.
 * Needs:     a strong reference, or NULL.
 * Returns:   the type; NULL for NULL.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D5.   Since: 0.9 */
WR_API const wr_type *wr_type_of(const void *obj);

/* Return an object's strong count at some moment of the call; for tests and messages, not for decisions.
 * Needs:     a strong reference, or NULL.
 * Returns:   the count; 0 for NULL or a dead object.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D5.   Since: 0.9 */
WR_API uint32_t wr_refcount(const void *obj);

/* Make an object that stands for memory of the caller's own: its only content is `ptr`.
 * Takes:     `ptr`, on success: destroy(ptr) runs when the box dies. On failure ptr stays the caller's.
 * Gives:     one strong reference to the box.
 * Returns:   the box; NULL with errno ENOMEM.
 * Blocks:    as wr_new.   Allocates: as wr_new.   Callbacks: as wr_new; `destroy` (may be NULL) at the box's
 *            death.
 * See:       D5.   Since: 0.9 */
WR_API void *wr_box_new(void *ptr, void (*destroy)(void *ptr)) WR_MUST_USE;

/* Return the memory a box stands for.
 * Needs:     a strong reference to `box`; what it returns is valid as long as that.
 * Returns:   the pointer given to wr_box_new; NULL when `box` is NULL or no box.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D5.   Since: 0.9 */
WR_API void *wr_box_get(const void *box);

/* ---- weak values ---- */

/* A weak reference as a plain value. {0} is null. Copy it, compare it, keep it in an atomic, in
 * epoll_event.data.u64, in io_uring user_data, in a message, in a log line; drop it without telling anybody.
 * It is no capability: it can be guessed. */
typedef struct wr_weak {
    uint64_t bits WR_ALIGNED_8;
} wr_weak;

/* Return the weak value of an object.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   its weak value; null for NULL, for a killed or dying object, for a WR_NO_WEAKREF type.
 * Order:     hand the value to other threads by release/acquire (a lock, a queue, an atomic, epoll): one read
 *            by a relaxed load may read dead for a live object, never the reverse (S22).
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D3, S6, S10, S41.   Since: 0.9 */
WR_API wr_weak wr_weak_of(const void *obj);

/* Take a strong reference to the object a weak value names, if it is alive.
 * Needs:     nothing: `w` may be null, stale or made up of any bits with the index of a slot (see
 *            wr_weak_check).
 * Gives:     one strong reference, unless NULL.
 * Returns:   the object; NULL when it is dead, was cleared or killed, or is being finalized (S25). Once NULL
 *            for the death of the object, NULL for ever (S22, S23).
 * Order:     what was written before the weak value was published is seen after (S57).
 * Blocks:    never.   Allocates: never.   Callbacks: none, ever. Async-signal-safe.
 * See:       D3, S54.   Since: 0.9 */
WR_API void *wr_weak_get(wr_weak w) WR_MUST_USE;

/* Tell whether the object a weak value names is gone for it (dead, cleared or killed).
 * Returns:   true once and for all, or false: alive at that moment, which may be over already. An object being
 *            finalized is not dead yet (S25).
 * Order:     what was written before the kill or death is seen by who saw true (S57).
 * Blocks:    never.   Allocates: never.   Callbacks: none. Async-signal-safe. Takes no reference.
 * See:       D3, S22.   Since: 0.9 */
WR_API bool wr_weak_is_dead(wr_weak w);

/* Check bits that come from outside the process before they are used as a weak value.
 * Gives:     *out, the value, or null on failure; `out` may be NULL.
 * Returns:   0; -EINVAL unless the bits name the start of a slot with the tag a live object may have.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * On misuse: bits from outside that were not checked and name the inside of an object damage that object.
 * See:       S54.   Since: 0.9 */
WR_API int wr_weak_check(uint64_t bits, wr_weak *out);

/* Turn weak values into integers and pointers and back, and compare them. A weak value fits a pointer where pointers
 * have 64 bits.
 * Returns:   that; none can fail. Weak values are equal when their bits are; a null one is dead.
 * Blocks:    never.   Allocates: never.   Callbacks: none. Async-signal-safe.
 * See:       S54.   Since: 0.9 */
static inline uint64_t wr_weak_to_u64(wr_weak w) {
    return w.bits;
}
static inline wr_weak wr_weak_from_u64(uint64_t bits) {
    wr_weak w;
    w.bits = bits;
    return w;
}
#if UINTPTR_MAX >= UINT64_MAX
static inline void *wr_weak_to_ptr(wr_weak w) {
    return (void *)(uintptr_t)w.bits;
}
static inline wr_weak wr_weak_from_ptr(const void *ptr) {
    return wr_weak_from_u64((uint64_t)(uintptr_t)ptr);
}
#endif
static inline bool wr_weak_equal(wr_weak a, wr_weak b) {
    return a.bits == b.bits;
}
static inline bool wr_weak_is_null(wr_weak w) {
    return w.bits == 0;
}

/* For printf: printf("conn " WR_WEAK_FMT " closed\n", WR_WEAK_ARGS(w)) writes slot and tag, as in "conn 65539:7
 * closed". */
#define WR_WEAK_FMT "%" PRIu32 ":%" PRIu32
#define WR_WEAK_ARGS(w) ((uint32_t)((w).bits >> 32)), ((uint32_t)((w).bits & 0xffffffffu))

/* ---- kill and clear: weak references to an object that lives on ---- */

/* Kill an object: every weak value of it is dead from now on, for good; strong references stay valid.
 * Needs:     a strong reference.
 * Returns:   1: this call killed it; 0: it was killed already, or is dead (from inside its destroy); -EINVAL:
 *            NULL; -ENOTSUP: a WR_NO_WEAKREF type, or a weakref.
 * Order:     of many concurrent callers exactly one gets 1; what that one wrote before is seen by the others
 *            and by whoever sees a weak value dead (S41, S57).
 * Blocks:    briefly on the object's stripe when it has weakrefs; callbacks may.
 * Allocates: never.
 * Callbacks: those of the object's weakrefs, newest first, before it returns 1, on this thread (S11, S12).
 * See:       D3, D4, S41.   Since: 0.9 */
WR_API int wr_kill(void *obj);

/* Make every weak value and weakref of an object dead; new ones may be made afterwards.
 * Needs:     a strong reference.
 * Returns:   0, also when there was nothing to clear (a killed object, or from inside its destroy); -EINVAL:
 *            NULL; -ENOTSUP: a WR_NO_WEAKREF type, or a weakref; -EOVERFLOW: this slot has been cleared 2^31
 *            times and keeps its last steps for a kill: nothing is changed.
 * Order:     what was written before is seen by whoever sees a weak value dead (S57).
 * Blocks:    as wr_kill.   Allocates: never.
 * Callbacks: those of the object's weakrefs, newest first, before it returns, on this thread.
 * See:       D4, S39; PyObject_ClearWeakRefs.   Since: 0.9 */
WR_API int wr_weakref_clear(void *obj);

/* Make every weak value and weakref of an object dead, without running callbacks; they never will run then.
 * Needs:     a strong reference.
 * Returns:   as wr_weakref_clear.
 * Order:     as wr_weakref_clear.
 * Blocks:    as wr_kill.   Allocates: never.
 * Callbacks: none. Arguments with a destructor are kept until their weakref is freed (S40).
 * See:       D4, S40; PyUnstable_Object_ClearWeakRefsNoCallbacks.   Since: 0.9 */
WR_API int wr_weakref_clear_no_callbacks(void *obj);

/* ---- weakref objects ---- */

/* A weak reference that is an object itself: counted by wr_retain and wr_release, shared when it has no
 * callback, listed on its referent, comparable, hashable. A proxy is one that stands for its referent in
 * wr_equal and wr_call. Neither keeps its referent alive, neither is weakly referenceable (S6, S7). A weakref
 * passed to a function of this section needs a strong reference to the weakref, as every object does. */
typedef struct wr_weakref wr_weakref;

/* What runs at the death, clear or kill of the referent, once: `ref` is the weakref itself, and reads dead. It
 * may call anything, but must return: no longjmp, no exception, no pthread_exit. */
typedef void (*wr_callback)(wr_weakref *ref, void *arg);

/* The type of refs; set wr_type.base to it to give refs a state of their own, `size` bytes reached by
 * wr_weakref_extra. Objects of such a type are made by wr_weakref_new_ex alone, its destroy gets the weakref. */
extern WR_API const wr_type wr_weakref_type;

#define WR_PROXY 1u /* wr_weakref_options.flags: make a proxy */

typedef struct wr_weakref_options {
    size_t size;          /* sizeof(wr_weakref_options) */
    wr_callback callback; /* NULL: none */
    void *arg;            /* for the callback */
    void (*arg_destroy)(
        void *arg);      /* NULL, or runs once: after the callback, on cancel, or when the ref dies (S8) */
    wr_queue *queue;     /* NULL: the callback runs where the object dies */
    const wr_type *type; /* NULL, or a type whose base is &wr_weakref_type */
    unsigned flags;      /* 0 or WR_PROXY */
} wr_weakref_options;
#ifdef __cplusplus
#define WR_WEAKREF_OPTIONS_INIT                                                                              \
    { sizeof(wr_weakref_options), nullptr, nullptr, nullptr, nullptr, nullptr, 0 }
#else
#define WR_WEAKREF_OPTIONS_INIT                                                                              \
    { sizeof(wr_weakref_options), NULL, NULL, NULL, NULL, NULL, 0 }
#endif

/* Make a weakref to an object, or without a callback, share the one that is there (S1 to S5).
 * Needs:     a strong reference to `obj`.
 * Gives:     one strong reference to the weakref.
 * Returns:   the weakref; NULL with errno EINVAL (obj is NULL), ENOTSUP (a WR_NO_WEAKREF type, or a weakref),
 *            ESTALE (obj is killed or dying), ENOMEM.
 * Blocks:    briefly on the object's stripe.   Allocates: as wr_new, unless shared.
 * Callbacks: as wr_new. `callback` on the thread that ends the referent, unless the weakref dies before (S16,
 *            S17).
 * See:       D4, S1; PyWeakref_NewRef.   Since: 0.9 */
WR_API wr_weakref *wr_weakref_new(void *obj, wr_callback callback, void *arg) WR_MUST_USE;

/* Make a proxy for an object, or without a callback, share the one that is there (S2).
 * Needs:     as wr_weakref_new.
 * Gives:     as wr_weakref_new.
 * Returns:   as wr_weakref_new.
 * Blocks:    as wr_weakref_new.   Allocates: as wr_weakref_new.   Callbacks: as wr_weakref_new.
 * See:       D4, S2; PyWeakref_NewProxy.   Since: 0.9 */
WR_API wr_weakref *wr_proxy_new(void *obj, wr_callback callback, void *arg) WR_MUST_USE;

/* Make a weakref with options; shared when it has no callback, arg destructor, queue and type of its own.
 * Needs:     a strong reference to `obj`.
 * Takes:     `arg`, on success, when there is an arg_destroy; on failure it stays the caller's (S1), and no destroy
 *            runs.
 * Gives:     one strong reference to the weakref.
 * Returns:   the weakref; NULL with errno as wr_weakref_new; EINVAL also for options of another size, unknown
 *            flags, a `queue` that is none, or a type that is not based on &wr_weakref_type, has a finalize or
 *            queue, is WR_BORROWABLE or too large.
 * Blocks:    briefly on the object's stripe.   Allocates: as wr_new, unless shared.
 * Callbacks: as wr_weakref_new; at a kill or clear on another thread even before this returns, with a state of zeroes.
 * See:       D4, S1, S6, S8.   Since: 0.9 */
WR_API wr_weakref *wr_weakref_new_ex(void *obj, const wr_weakref_options *options) WR_MUST_USE;

/* Return the state of a weakref of a type based on wr_weakref_type.
 * Needs:     a strong reference to `ref`.
 * Returns:   its wr_type.size bytes, zeroed when it was made, aligned to 32; NULL for NULL, for what is no
 *            weakref, and for plain refs and proxies.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D5.   Since: 0.9 */
WR_API void *wr_weakref_extra(wr_weakref *ref);

/* Take a strong reference to a weakref's referent, if it is alive.
 * Needs:     a strong reference to `ref`, or NULL.
 * Gives:     in *obj one strong reference, or NULL; it is always written.
 * Returns:   1: alive; 0: dead; -EINVAL: `obj` is NULL, or `ref` is NULL or no weakref.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S31; PyWeakref_GetRef.   Since: 0.9 */
WR_API int wr_weakref_get(wr_weakref *ref, void **obj);

/* Tell whether a weakref's referent is gone for it; takes no reference.
 * Needs:     a strong reference to `ref`, or NULL.
 * Returns:   1: dead, for good; 0: alive at that moment; -EINVAL: NULL or no weakref.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S27; PyWeakref_IsDead.   Since: 0.9 */
WR_API int wr_weakref_is_dead(wr_weakref *ref);

/* Return a weakref's weak value, which outlives the weakref.
 * Needs:     a strong reference to `ref`, or NULL.
 * Returns:   the value, dead or alive; null for what is no weakref.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D5.   Since: 0.9 */
WR_API wr_weak wr_weakref_value(wr_weakref *ref);

/* Tell whether an object is a weakref: a ref or a proxy, dead or alive.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   that; false for NULL. No side effect.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S27; PyWeakref_Check.   Since: 0.9 */
WR_API bool wr_weakref_check(const void *obj);

/* Tell whether an object is a ref, of wr_weakref_type or a type based on it.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   that; false for a proxy and for NULL. No side effect.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S27; PyWeakref_CheckRef.   Since: 0.9 */
WR_API bool wr_weakref_check_ref(const void *obj);

/* Tell whether an object is a ref of wr_weakref_type itself.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   that; false for NULL. No side effect.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S27; PyWeakref_CheckRefExact.   Since: 0.9 */
WR_API bool wr_weakref_check_ref_exact(const void *obj);

/* Tell whether an object is a proxy.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   that; false for NULL. No side effect.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S27; PyWeakref_CheckProxy.   Since: 0.9 */
WR_API bool wr_weakref_check_proxy(const void *obj);

/* Return how many weakrefs an object has.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   the number of refs and proxies alive on it at some moment of the call; 0 for NULL.
 * Blocks:    on the object's stripe while it counts them.   Allocates: never.   Callbacks: none.
 * See:       S37; weakref.getweakrefcount.   Since: 0.9 */
WR_API size_t wr_weakref_count(const void *obj);

/* Write the weakrefs of an object to an array: the shared ref, the shared proxy, the others, newest first.
 * Needs:     a strong reference to `obj`; room for `cap` pointers at `out` (NULL: as cap 0).
 * Gives:     a strong reference with each pointer written.
 * Returns:   how many there are, which may be more than `cap`. Those being freed are left out.
 * Blocks:    on the object's stripe while it lists them.   Allocates: never.   Callbacks: none.
 * See:       S4, S38; weakref.getweakrefs.   Since: 0.9 */
WR_API size_t wr_weakref_list(void *obj, wr_weakref **out, size_t cap);

/* Return the callback that a weakref would call.
 * Needs:     a strong reference to `ref`, or NULL.
 * Returns:   the callback; NULL when there is none, and from the instant of the referent's death or a cancel
 *            (S13).
 * Blocks:    briefly on the referent's stripe.   Allocates: never.   Callbacks: none.
 * See:       S13.   Since: 0.9 */
WR_API wr_callback wr_weakref_callback(wr_weakref *ref);

/* Cancel a weakref's callback; after the return it does not run and will not. The weakref stays a weakref.
 * Needs:     a strong reference to `ref` throughout.
 * Returns:   1: it had not begun and never will; 0: it had run, or there was none; or it is this callback, or
 *            its arg destructor, that calls; -EINVAL: NULL or no weakref.
 * Order:     with 0, what the callback did is seen.
 * Blocks:    while the callback or its arg destructor runs on another thread. Two callbacks that cancel each
 *            other deadlock: use the timed form there.
 * Allocates: never.   Callbacks: the arg destructor, when it returns 1.
 * See:       D4, S43.   Since: 0.9 */
WR_API int wr_weakref_cancel(wr_weakref *ref);

/* Cancel a weakref's callback, waiting for a running one no longer than `timeout_ms` milliseconds (negative:
 * for ever).
 * Needs:     as wr_weakref_cancel.
 * Returns:   as wr_weakref_cancel; -ETIMEDOUT: it is still running, and nothing was changed.
 * Order:     as wr_weakref_cancel.
 * Blocks:    as wr_weakref_cancel, up to the timeout.   Allocates: never.   Callbacks: as wr_weakref_cancel.
 * See:       D4, S43.   Since: 0.9 */
WR_API int wr_weakref_cancel_timed(wr_weakref *ref, int64_t timeout_ms);

/* ---- the object protocol: each takes an object, a ref, or a proxy, which stands for its referent ---- */

/* Hash an object: by its type's hash, else by identity. A ref hashes as its referent does, and keeps that.
 * Needs:     a strong reference to `obj`, or NULL; room at `out`.
 * Gives:     *out, the hash.
 * Returns:   0; -EINVAL: NULL; -ENOTSUP: a proxy, always; -ESTALE: a ref that was not hashed before its
 *            referent died; else what the type's hash returned.
 * Blocks:    never by itself.   Allocates: never.
 * Callbacks: the type's hash; a ref's referent is held for it, and dies here if that was the last reference.
 * See:       S28, S34.   Since: 0.9 */
WR_API int wr_hash(void *obj, uint64_t *out);

/* Compare two objects: by their type's equal when both have the same type, else by identity. Refs compare by
 * their referents while both are alive, then by their own identity; a ref never equals what is no ref.
 * Needs:     strong references to both, or NULL.
 * Returns:   1: equal; 0: not; -EINVAL: NULL; -ESTALE: a or b is a proxy whose referent is dead; nothing was
 *            called.
 * Blocks:    never by itself.   Allocates: never.
 * Callbacks: the type's equal; referents are held for it, and die here if that was the last reference.
 * See:       S29, S32, S33.   Since: 0.9 */
WR_API int wr_equal(void *a, void *b);

/* Describe an object as text: by its type's describe, else "<name at address>"; a ref or proxy as in S30.
 * Needs:     a strong reference to `obj`, or NULL; `len` bytes at `buf`, which may be NULL when `len` is 0.
 * Returns:   how long the whole text is, of which `buf` got up to len - 1 bytes and a NUL, as snprintf;
 *            -EINVAL: NULL; else what the type's describe returned. Does not fail for dead ones.
 * Blocks:    never by itself.   Allocates: never.
 * Callbacks: the type's describe; a weakref's referent is held to be named, and dies here if that was the last
 *            reference.
 * See:       S30, S32, S35.   Since: 0.9 */
WR_API int wr_describe(void *obj, char *buf, size_t len);

/* Call a function on an object, or on what a proxy stands for, which is held for the whole call.
 * Needs:     a strong reference to `obj`, or NULL.
 * Gives:     *result, what `fn` returned; `result` may be NULL.
 * Returns:   0; -EINVAL: obj or fn is NULL; -ESTALE: a proxy whose referent is dead: fn was not called.
 * Blocks:    as fn does.   Allocates: never.   Callbacks: fn; and the object's end, when its last reference is
 *            dropped meanwhile.
 * See:       S32, S33, S36.   Since: 0.9 */
WR_API int wr_call(void *obj, int (*fn)(void *self, void *arg), void *arg, int *result);

/* ---- borrow: an access without a reference ---- */

/* A borrow, in memory of the caller's: on its stack as a rule. It is not copied, and lives until wr_return. Its
 * content is the library's. */
typedef struct wr_borrowed {
    uint64_t r[4] WR_ALIGNED_8;
} wr_borrowed;

/* Look an object up for a while, without taking a reference: it is not destroyed before wr_return.
 * Needs:     nothing, as wr_weak_get; memory for a borrow at `b`.
 * Gives:     a borrow in *b, which this thread gives up by wr_return, in any order with its others, before it
 *            ends; also with NULL.
 * Returns:   the object; NULL when wr_weak_get would give that. It may be killed, or lose its last reference,
 *            while it is borrowed: it reads dead then and its callbacks run, but destroy waits. What is
 *            returned is no reference: it may not be retained, cleared, killed or given a weak value; to keep
 *            the object, use wr_weak_get.
 * Order:     as wr_weak_get.
 * Blocks:    never by itself; the process's first borrow takes some ms when other threads run already.
 * Allocates: 1 KiB at a thread's first borrow, kept for later threads.
 * Callbacks: when it gives NULL, as wr_return, seldom.
 *            For a type without WR_BORROWABLE, for a thread's 65th borrow at once, and where there is no
 *            memory, it takes a reference: then the object lives on until wr_return.
 * See:       D11, S56; PyWeakref_GetObject.   Since: 0.9 */
WR_API void *wr_borrow(wr_weak w, wr_borrowed *b);

/* Give a borrow back. When the object died meanwhile, and this was its last borrower, it is destroyed now.
 * Needs:     a borrow of this thread; one that gave NULL needs no return, and may have one.
 * Order:     what this thread did with the object is over before destroy.
 * Blocks:    never by itself; destroy may.   Allocates: never.
 * Callbacks: destroy of the object, and what wr_release may run.
 * On misuse: returned twice, on another thread, or not before the thread's end: fatal, with a message, as far
 *            as it can be told.
 * See:       D11, S56.   Since: 0.9 */
WR_API void wr_return(wr_borrowed *b);

/* ---- cells: places that threads share ---- */

/* A place that owns a strong reference, or is empty; empty when zeroed. Every function on it is atomic and
 * lock-free. Empty it by wr_cell_store(c, NULL) before its memory goes. */
typedef struct wr_cell {
    uint64_t bits WR_ALIGNED_8;
} wr_cell;

/* Take a strong reference to the object in a cell.
 * Gives:     one strong reference, unless NULL.
 * Returns:   the object that was in the cell at some moment of the call; NULL: it was empty.
 * Order:     what was written before it was stored is seen.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D12, S55.   Since: 0.9 */
WR_API void *wr_cell_load(const wr_cell *c) WR_MUST_USE;

/* Put an object into a cell; the cell takes a reference of its own, and gives up the one it had.
 * Needs:     a strong reference to `obj`, which stays the caller's, or NULL to empty the cell.
 * Order:     what was written before is seen by who gets the object from the cell.
 * Blocks:    never by itself; destroy may.   Allocates: never.
 * Callbacks: as wr_release, of the object that was in the cell.
 * See:       D12, S55.   Since: 0.9 */
WR_API void wr_cell_store(wr_cell *c, void *obj);

/* Put an object into a cell and take out what was there.
 * Needs:     as wr_cell_store.
 * Gives:     the strong reference that the cell had, unless NULL.
 * Returns:   the object that was in the cell, or NULL.
 * Order:     as wr_cell_store and wr_cell_load.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D12, S55.   Since: 0.9 */
WR_API void *wr_cell_exchange(wr_cell *c, void *obj) WR_MUST_USE;

/* Put `desired` into a cell if `expected` is in it; the cell gives up its reference to that one.
 * Needs:     strong references to both, where they are not NULL; they stay the caller's.
 * Returns:   true: done; false: something else is in the cell, and nothing was changed. There is no ABA: while
 *            the caller holds `expected` nothing else is at its address.
 * Order:     as wr_cell_store.
 * Blocks:    never.   Allocates: never.
 * Callbacks: none; the caller holds what could die.
 * See:       D12, S55.   Since: 0.9 */
WR_API bool wr_cell_compare_exchange(wr_cell *c, void *expected, void *desired);

/* Borrow the object in a cell, as wr_borrow does with a weak value.
 * Gives:     as wr_borrow.
 * Returns:   the object that was in the cell at some moment of the call; NULL: it was empty. Afterwards it may
 *            leave the cell and lose its last reference; it is destroyed after wr_return.
 * Order:     as wr_cell_load.
 * Blocks:    as wr_borrow.   Allocates: as wr_borrow.   Callbacks: as wr_borrow, seldom, also when it succeeds.
 * See:       D12, S55, S56.   Since: 0.9 */
WR_API void *wr_cell_borrow(const wr_cell *c, wr_borrowed *b);

/* A place that holds a weak value; null when zeroed. It orders what S22 and S57 ask for by itself. */
typedef struct wr_weak_cell {
    uint64_t bits WR_ALIGNED_8;
} wr_weak_cell;

/* Read the weak value in a weak cell.
 * Returns:   it.
 * Order:     acquire, with the stores.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D12.   Since: 0.9 */
WR_API wr_weak wr_weak_cell_load(const wr_weak_cell *c);

/* Put a weak value into a weak cell.
 * Order:     release, with the loads.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D12.   Since: 0.9 */
WR_API void wr_weak_cell_store(wr_weak_cell *c, wr_weak w);

/* Put a weak value into a weak cell and take out what was there.
 * Returns:   what was there.
 * Order:     acquire and release.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D12.   Since: 0.9 */
WR_API wr_weak wr_weak_cell_exchange(wr_weak_cell *c, wr_weak w);

/* Put `desired` into a weak cell if `expected` is in it. Weak values are never used again: there is no ABA.
 * Returns:   true: done; false: something else is in it, and nothing was changed.
 * Order:     acquire and release.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D12.   Since: 0.9 */
WR_API bool wr_weak_cell_compare_exchange(wr_weak_cell *c, wr_weak expected, wr_weak desired);

/* Take a strong reference to the object that a weak cell's value names, if it is alive.
 * Gives:     one strong reference, unless NULL.
 * Returns:   the object; NULL: at some moment of the call the value in the cell was null or dead.
 * Order:     as wr_weak_get.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D12, S55.   Since: 0.9 */
WR_API void *wr_weak_cell_get(const wr_weak_cell *c) WR_MUST_USE;

/* ---- delivery: what runs in an event loop ---- */

/* Make a queue: callbacks and destroys that are bound to it run where wr_queue_run is called.
 * Gives:     the queue, to be freed by wr_queue_free.
 * Returns:   the queue; NULL with errno ENOMEM, EMFILE or ENFILE.
 * Blocks:    as wr_new.   Allocates: as wr_new, and a file descriptor.   Callbacks: as wr_new.
 * See:       D4, S44.   Since: 0.9 */
WR_API wr_queue *wr_queue_new(void) WR_MUST_USE;

/* Return the descriptor to poll for reading: it is readable whenever something waits and its push has returned,
 * and now and then when nothing does. Do not read it, write it or close it.
 * Returns:   the descriptor, the queue's own; -EINVAL: NULL or no queue.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S44.   Since: 0.9 */
WR_API int wr_queue_fd(wr_queue *queue);

/* Run what waits in a queue, in the order it was pushed by each thread: at most `max` entries, or with max <= 0
 * all that waited when it was called.
 * Returns:   how many ran, not counting those cancelled meanwhile; -EBUSY: another thread, or this one further
 *            out, is inside it; -EINVAL: NULL or no queue.
 * Order:     what was done before the push is seen.
 * Blocks:    never by itself.   Allocates: never.
 * Callbacks: those that waited, destroys, and whatever dies in them.
 * See:       D4, S44.   Since: 0.9 */
WR_API int wr_queue_run(wr_queue *queue, int max);

/* Free a queue: callbacks that wait are dropped, with their arguments destroyed; destroys that wait run here;
 * what is bound to it and dies later is destroyed where it dies, and its callbacks are dropped.
 * Takes:     the queue; NULL does nothing. No wr_queue_run, wr_bind, wr_queue_fd or wr_release_later with it
 *            may be under way or follow.
 * Blocks:    until threads that are pushing to it are through.   Allocates: never.
 * Callbacks: argument destructors and destroys of what waited.
 * On misuse: from inside its own wr_queue_run, or while another thread is there: fatal, with a message.
 * See:       S45.   Since: 0.9 */
WR_API void wr_queue_free(wr_queue *queue);

/* Give up one strong reference, and run nothing here: when it was the last, the object reads dead at once, and
 * its callbacks and destroy run in wr_queue_run(queue).
 * Takes:     one strong reference, or NULL, which does nothing.
 * Order:     as wr_release.
 * Blocks:    never.   Allocates: never.
 * Callbacks: none, ever. Async-signal-safe. With `queue` NULL, and for a weakref, they run at the next death,
 *            wr_queue_run, wr_kill_wait, wr_trim or slow wr_new on any thread.
 * On misuse: as wr_release.
 * See:       D4, S45a.   Since: 0.9 */
WR_API void wr_release_later(void *obj, wr_queue *queue);

/* Bind an object to a queue: the rest of its death, from the callbacks on to destroy, runs in
 * wr_queue_run(queue). A type can name a queue for all its objects (wr_type.queue).
 * Needs:     a strong reference to `obj`.
 * Returns:   0; -EINVAL: NULL, or no queue; -ENOTSUP: a WR_NO_WEAKREF type, or a weakref; -ESTALE: it is killed
 *            or dying; -EEXIST: it is bound already; -ENOMEM.
 * Blocks:    briefly on the object's stripe.   Allocates: as wr_new.   Callbacks: as wr_new.
 * See:       D4, S44.   Since: 0.9 */
WR_API int wr_bind(void *obj, wr_queue *queue);

/* ---- waiting for the end ---- */

/* Kill an object, give up the caller's reference, and wait until the object is destroyed.
 * Takes:     one strong reference, unless it returns -EINVAL, -ENOTSUP or -EDEADLK.
 * Returns:   0: destroy has returned, on whatever thread; -ETIMEDOUT after `timeout_ms` milliseconds (negative:
 *            never): it stays killed, and dies when its last holder lets go; -EDEADLK: from inside the object's
 *            own callback, finalize or destroy, inside wr_queue_run of the queue it is bound to, or while this
 *            thread borrows it; -EINVAL: NULL; -ENOTSUP: a WR_NO_WEAKREF type, or a weakref.
 * Order:     with 0, what destroy did is seen.
 * Blocks:    up to the timeout, on the monotonic clock.   Allocates: never.
 * Callbacks: those of the kill; the deaths that wait on this thread, and while it waits those that wait for any
 *            thread (wr_release_later); and the object's end, when this was the last reference.
 * On misuse: as wr_release.
 * See:       D4, S42.   Since: 0.9 */
WR_API int wr_kill_wait(void *obj, int64_t timeout_ms);

/* Kill an object, give up the caller's reference, and have fn(arg) called once the object is destroyed:
 * wr_kill_wait for who must not wait.
 * Takes:     one strong reference, unless it fails.
 * Returns:   0: fn will run, in wr_queue_run(queue), or with `queue` NULL, or freed meanwhile, where the object
 *            is destroyed; -EINVAL: obj or fn is NULL, or `queue` is no queue; -ENOTSUP: a WR_NO_WEAKREF type, or
 *            a weakref; -ENOMEM. When it fails nothing was changed.
 * Order:     fn sees what destroy did.
 * Blocks:    as wr_kill.   Allocates: as wr_new.
 * Callbacks: those of the kill; and the object's end and fn, when this was the last reference.
 * On misuse: as wr_release.
 * See:       D4, S42.   Since: 0.9 */
WR_API int wr_kill_notify(void *obj, void (*fn)(void *arg), void *arg, wr_queue *queue);

/* Kill every live object of a type and wait until all are destroyed, also those that died before; for shutdown.
 * Needs:     that no new objects of the type are made meanwhile. A live object that never had a weak value is
 *            reached only when the type is WR_LISTED: otherwise nobody but its holders may count it.
 * Returns:   0: no object that it reaches is left, and every destroy that had begun, or waited for its turn, has
 *            returned; -ETIMEDOUT after `timeout_ms` milliseconds (negative: never): those left are killed;
 *            -EDEADLK: it would wait for what this thread is inside of, as wr_kill_wait, or for an object whose
 *            end this thread is telling of (wr_kill_notify); -EINVAL: NULL;
 *            -ENOTSUP: a WR_NO_WEAKREF type, or one of weakrefs. In the child of a fork it does not wait for ends
 *            that had begun on other threads before.
 * Order:     with 0, what the destroys did is seen.
 * Blocks:    up to the timeout; looks at every slot of the process.   Allocates: never.
 * Callbacks: as wr_kill_wait, for each object.
 * See:       D4, S42.   Since: 0.9 */
WR_API int wr_kill_all(const wr_type *type, int64_t timeout_ms);

/* ---- finalizers ---- */

/* A function that runs once: at the end of an object, newest first among its callbacks, or before, on call. An
 * object itself: dropping the handle does not cancel it. */
typedef struct wr_finalizer wr_finalizer;

#define WR_AT_EXIT 1u /* wr_finalizer_new: run it in wr_run_exit_finalizers too */

/* Make a finalizer for an object.
 * Needs:     a strong reference to `obj`.
 * Gives:     one strong reference to the finalizer; the library keeps one more until it has run or was
 *            detached.
 * Returns:   the finalizer; NULL with errno EINVAL (obj or fn is NULL, unknown flags), ENOTSUP (a WR_NO_WEAKREF
 *            type, or a weakref), ESTALE (obj is killed or dying), ENOMEM.
 * Blocks:    briefly on the object's stripe.   Allocates: as wr_new.
 * Callbacks: as wr_new. `fn` at the object's death, on the thread or queue where its callbacks run; clear and
 *            kill leave it waiting.
 * See:       D4, S46; weakref.finalize.   Since: 0.9 */
WR_API wr_finalizer *wr_finalizer_new(void *obj, void (*fn)(void *arg), void *arg,
                                      unsigned flags) WR_MUST_USE;

/* Run a finalizer now, if it has not run.
 * Needs:     a strong reference to `f`.
 * Returns:   1: it ran in this call; 0: it has run, runs elsewhere, or was detached; -EINVAL: NULL or no
 *            finalizer.
 * Blocks:    never by itself.   Allocates: never.   Callbacks: its function.
 * See:       S46.   Since: 0.9 */
WR_API int wr_finalizer_call(wr_finalizer *f);

/* Detach a finalizer: it will not run.
 * Needs:     a strong reference to `f`.
 * Returns:   1: it had not begun and never will; 0: it has run, runs, or was detached; -EINVAL: NULL or no
 *            finalizer.
 * Blocks:    briefly on the object's stripe.   Allocates: never.   Callbacks: none.
 * See:       S46.   Since: 0.9 */
WR_API int wr_finalizer_detach(wr_finalizer *f);

/* Tell whether a finalizer has yet to run.
 * Needs:     a strong reference to `f`, or NULL.
 * Returns:   that, at some moment of the call; false for what is no finalizer.
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       S46.   Since: 0.9 */
WR_API bool wr_finalizer_alive(wr_finalizer *f);

/* Look at what a finalizer would do.
 * Needs:     a strong reference to `f`, or NULL.
 * Gives:     a strong reference to the object; in *fn and *arg (either may be NULL) what will be called.
 * Returns:   the object; NULL when the finalizer is not alive, or its object is on its way out: nothing is
 *            written.
 * Blocks:    briefly on the object's stripe.   Allocates: never.   Callbacks: none.
 * See:       S46; weakref.finalize.peek.   Since: 0.9 */
WR_API void *wr_finalizer_peek(wr_finalizer *f, void (**fn)(void *arg), void **arg) WR_MUST_USE;

/* Run the finalizers made with WR_AT_EXIT, newest first, also those made meanwhile. To be called at the
 * program's exit, by the program: the library does nothing there by itself.
 * Blocks:    never by itself.   Allocates: never.   Callbacks: theirs.
 * See:       D7, S46.   Since: 0.9 */
WR_API void wr_run_exit_finalizers(void);

/* ---- containers: what they have in common ---- */

/* A container holds its objects weakly: an entry goes by itself when its object dies, is cleared or is killed
 * (S47), without allocating and without a search. Each has locks of its own, which are held for some dozen
 * instructions and never while code of yours runs: callbacks, visitors, makers, hashes and comparisons may
 * call any container, this one too, but _free. Any functions may overlap on any threads, but _free with
 * nothing.
 *
 * A _foreach meets each entry that is there all the time once, and one that comes or goes meanwhile once or
 * not at all (S50). What it hands to the visitor is held for that call, and up to 31 more that are next. A
 * visitor that returns something other than 0 ends it.
 *
 * What _len counts is alive at some moment of the call (S49). It looks at every entry.
 *
 * Objects of a WR_NO_WEAKREF type, and weakrefs, cannot be put in (-ENOTSUP), nor can killed ones (-ESTALE);
 * they are never found either, and asking is no error. A NULL for a container does nothing in _free and
 * _clear, and is refused by all others (EINVAL), whose results say so where they can.
 *
 * In the child of a fork with wr_atfork_prepare and its like, containers go on. What absent threads were
 * making is made anew; entries they were just taking out read dead, and stay until their key is used again.
 */

/* ---- caches: key -> object, held weakly ---- */

typedef struct wr_cache wr_cache;

#define WR_MAX_KEY 1073741824u /* bytes in a key: 1 GiB */

/* What makes the object of a key that has none: one reference, or NULL, errno saying why. */
typedef void *(*wr_make)(const void *key, size_t len, void *arg);

/* wr_cache_options.flags, of which one
 *   WR_KEY_WORDS       a key is the pointer itself, or an integer as a pointer; its len is 0
 *   WR_KEYS_IN_VALUES  keys are not copied: their bytes must stay as they are for as long as the object that
 *                      was put under them is alive, as those in its own payload do. Those that
 *                      wr_cache_get_or_create is called with too: make first, and use wr_cache_set_default */
#define WR_KEY_WORDS 1u
#define WR_KEYS_IN_VALUES 2u

/* How a cache is to be. Start from WR_CACHE_OPTIONS_INIT. The limits are for the whole cache; with more than
 * one shard, each shard keeps to its part of them, so that what is the least recently used is so within a
 * shard. Small limits make one shard. */
typedef struct wr_cache_options {
    size_t size;     /* of this struct */
    unsigned flags;  /* WR_KEY_WORDS or WR_KEYS_IN_VALUES */
    unsigned shards; /* a power of two up to 128; 0: chosen */
    /* The hash of a key; NULL: SipHash-1-3 with a secret of the cache's own. */
    uint64_t (*hash)(const void *key, size_t len, void *arg);
    void *hash_arg;
    size_t max_entries;               /* bound; beyond it the least recently used goes; 0: none */
    size_t keep;                      /* keep that many recently used objects alive */
    size_t keep_weight;               /* the same, by weight; 0: whatever they weigh */
    size_t (*weigh)(const void *obj); /* an object's weight, say in bytes; asked once */
} wr_cache_options;
#ifdef __cplusplus
#define WR_CACHE_OPTIONS_INIT                                                                                \
    { sizeof(wr_cache_options) }
#else
#define WR_CACHE_OPTIONS_INIT                                                                                \
    { sizeof(wr_cache_options), 0, 0, NULL, NULL, 0, 0, 0, NULL }
#endif

/* Make a cache.
 * Gives:     the cache, to be freed by wr_cache_free.
 * Returns:   the cache; NULL with errno ENOMEM.
 * Blocks:    never.   Allocates: some KiB, later more: about 144 bytes for each entry with a key of up to 24
 *            bytes.
 * Callbacks: none.
 * See:       D13, S47; weakref.WeakValueDictionary.   Since: 0.9 */
WR_API wr_cache *wr_cache_new(void) WR_MUST_USE;

/* Make a cache with options: see wr_cache_options.
 * Gives:     as wr_cache_new.
 * Returns:   as wr_cache_new; NULL with errno EINVAL also for options of another size, unknown flags or both
 *            of them, a number of shards that is no power of two up to 128, or a keep_weight without weigh.
 * Blocks:    never.   Allocates: as wr_cache_new.
 * Callbacks: `hash` with each key that is used, `weigh` with each object that is put in; no lock is held.
 * See:       D13.   Since: 0.9 */
WR_API wr_cache *wr_cache_new_ex(const wr_cache_options *options) WR_MUST_USE;

/* Free a cache. Its objects live on, but for those that only it kept alive.
 * Takes:     the cache; NULL does nothing. No other use of it may be under way or follow; deaths on other
 *            threads may be.
 * Blocks:    briefly on its locks and the stripes of its objects.   Allocates: never.
 * Callbacks: the end of objects that only it kept alive.
 * See:       D13.   Since: 0.9 */
WR_API void wr_cache_free(wr_cache *cache);

/* Take a reference to the object under a key, if one is alive there.
 * Needs:     `len` bytes at `key`; with len 0, which is a key like any other, nothing.
 * Gives:     one strong reference, unless NULL.
 * Returns:   the object; NULL when there is none, and for NULL arguments or a key over WR_MAX_KEY. errno is
 *            kept.
 * Order:     what was written before the object was put is seen. A put that happened before the get is seen;
 *            what two threads do to two keys at the same time may be seen in either order by each.
 * Blocks:    never, but briefly on the lock of a shard in a cache with limits or WR_KEYS_IN_VALUES, for a key
 *            over 128 bytes, while another thread changes the shard, and as long as the entry of an object is
 *            there that is dead or in its finalize.   Allocates: never.
 * Callbacks: the cache's hash; with limits, the end of objects that the cache no longer keeps.
 * See:       D13, S47, S49.   Since: 0.9 */
WR_API void *wr_cache_get(wr_cache *cache, const void *key, size_t len) WR_MUST_USE;

/* Put an object under a key, in place of what is there.
 * Needs:     a strong reference to `obj`, which stays the caller's; a key as in wr_cache_get, which is
 *            copied.
 * Returns:   0; -EINVAL: a NULL, a key over WR_MAX_KEY, or with WR_KEY_WORDS a len; -ENOTSUP: a
 *            WR_NO_WEAKREF type, or a weakref; -ESTALE: obj is killed or dying; -ENOMEM. When it fails nothing
 *            was changed.
 * Blocks:    briefly on the lock of a shard and the object's stripe.
 * Allocates: as wr_new, also buckets, now and then, 4 KiB at a time; and seldom a list of those.
 * Callbacks: as wr_new, and as wr_cache_get.
 * See:       D13, S47, S49.   Since: 0.9 */
WR_API int wr_cache_put(wr_cache *cache, const void *key, size_t len, void *obj);

/* Take a reference to the object under a key, or if none is alive there, have it made and put it in: for each
 * key one maker at a time, while others who want the same wait and get the same (S48).
 * Needs:     a key as in wr_cache_get.
 * Gives:     one strong reference, unless NULL.
 * Returns:   the object; NULL with what `make` left in errno when it returned NULL: then others who wait try
 *            themselves, one at a time; NULL with errno EINVAL (a NULL, or a key over WR_MAX_KEY), EDEADLK
 *            (from inside the make of this key, or of one that waits for it in a circle of makers), and when
 *            what was made cannot be put in, and is released, ENOTSUP, ESTALE or ENOMEM.
 * Order:     what the maker wrote is seen by all who get the object.
 * Blocks:    while another thread makes the object of this key.   Allocates: as wr_cache_put.
 * Callbacks: `make`, on this thread, with no lock held: it may use this cache, with other keys; when it puts
 *            something under this key, or another thread does meanwhile, that is what all get. And as
 *            wr_cache_put.
 * See:       D13, S48.   Since: 0.9 */
WR_API void *wr_cache_get_or_create(wr_cache *cache, const void *key, size_t len, wr_make make,
                                    void *arg) WR_MUST_USE;

/* Put an object under a key, unless one is alive there.
 * Needs:     as wr_cache_put.
 * Gives:     one strong reference to the object that is there now, the one found or `obj`.
 * Returns:   that; NULL with errno as the errors of wr_cache_put.
 * Blocks:    as wr_cache_put.   Allocates: as wr_cache_put.   Callbacks: as wr_cache_put.
 * See:       D13, S49; dict.setdefault.   Since: 0.9 */
WR_API void *wr_cache_set_default(wr_cache *cache, const void *key, size_t len, void *obj) WR_MUST_USE;

/* Tell whether an object is alive under a key.
 * Returns:   that, at some moment of the call; false for what cannot be a key. It does not count as a use.
 * Blocks:    as wr_cache_get.   Allocates: never.   Callbacks: the cache's hash.
 * See:       D13, S49.   Since: 0.9 */
WR_API bool wr_cache_contains(wr_cache *cache, const void *key, size_t len);

/* Take an entry out and return its object.
 * Gives:     one strong reference, unless NULL.
 * Returns:   the object; NULL when none is alive there, and for what cannot be a key. errno is kept.
 * Blocks:    as wr_cache_put.   Allocates: never.   Callbacks: the cache's hash.
 * See:       D13, S49; dict.pop.   Since: 0.9 */
WR_API void *wr_cache_pop(wr_cache *cache, const void *key, size_t len) WR_MUST_USE;

/* Take any entry out and return its object; which one is not said.
 * Gives:     one strong reference, unless NULL; in *len (may be NULL) the length of its key, and of the key's
 *            bytes up to `cap` at `buf`. With WR_KEY_WORDS the key is the bytes of a pointer.
 * Returns:   the object; NULL when there is none, errno kept, or with errno EINVAL.
 * Blocks:    on the locks of shards, while it looks for one.   Allocates: never.   Callbacks: none.
 * See:       D13, S49; dict.popitem.   Since: 0.9 */
WR_API void *wr_cache_popitem(wr_cache *cache, void *buf, size_t cap, size_t *len) WR_MUST_USE;

/* Take an entry out.
 * Returns:   0; -ENOENT: none is alive there; -EINVAL: as wr_cache_put.
 * Blocks:    as wr_cache_put.   Allocates: never.
 * Callbacks: the cache's hash; the end of the object, when only the cache kept it.
 * See:       D13, S49.   Since: 0.9 */
WR_API int wr_cache_remove(wr_cache *cache, const void *key, size_t len);

/* Take out every entry that is there when it is called.
 * Blocks:    as wr_cache_put, for each entry.   Allocates: never.   Callbacks: as wr_cache_remove.
 * See:       D13, S49.   Since: 0.9 */
WR_API void wr_cache_clear(wr_cache *cache);

/* Count the entries whose objects are alive; it looks at each.
 * Returns:   how many; 0 for NULL.
 * Blocks:    briefly on the lock of a shard, again and again.   Allocates: never.   Callbacks: none.
 * See:       D13, S49.   Since: 0.9 */
WR_API size_t wr_cache_len(wr_cache *cache);

/* Call visit(key, len, obj, arg) for each entry whose object is alive, in no order.
 * Returns:   0; what `visit` returned when that was not 0; -EINVAL: a NULL.
 * Blocks:    briefly on the locks of shards.   Allocates: never.
 * Callbacks: `visit`, with no lock held; the end of objects whose last reference is dropped meanwhile.
 * See:       D13, S50.   Since: 0.9 */
WR_API int wr_cache_foreach(wr_cache *cache, int (*visit)(const void *key, size_t len, void *obj, void *arg),
                            void *arg);

/* Put every entry of `from` into `cache`, but for objects that are killed meanwhile.
 * Returns:   0; -ENOMEM: the entries put so far stay; -EINVAL: a NULL, only one of the two is WR_KEY_WORDS,
 *            or `cache` is WR_KEYS_IN_VALUES and `from` is not.
 * Blocks:    as wr_cache_put.   Allocates: as wr_cache_put.   Callbacks: as wr_cache_put.
 * See:       D13, S49; dict.update.   Since: 0.9 */
WR_API int wr_cache_update(wr_cache *cache, wr_cache *from);

/* Make a cache with the options and entries of another.
 * Gives:     as wr_cache_new.
 * Returns:   the cache; NULL with errno EINVAL (NULL), ENOMEM.
 * Blocks:    as wr_cache_put.   Allocates: as wr_cache_put.   Callbacks: as wr_cache_put.
 * See:       D13, S49; dict.copy.   Since: 0.9 */
WR_API wr_cache *wr_cache_copy(wr_cache *from) WR_MUST_USE;

/* ---- weak maps: object, held weakly -> value ---- */

typedef struct wr_weakmap wr_weakmap;

/* wr_weakmap_options.flags, wr_weakset_options.flags */
#define WR_BY_VALUE                                                                                          \
    1u /* objects are found by their type's hash and equal, as wr_hash and wr_equal use them */
#define WR_VALUE_OBJECTS 2u /* maps only: values are objects; the map takes references, and gives them */

/* How a map is to be. Start from WR_WEAKMAP_OPTIONS_INIT. */
typedef struct wr_weakmap_options {
    size_t size;                        /* of this struct */
    unsigned flags;                     /* WR_BY_VALUE, WR_VALUE_OBJECTS */
    unsigned shards;                    /* a power of two up to 128; 0: chosen */
    void (*value_destroy)(void *value); /* NULL: nothing to do; not with WR_VALUE_OBJECTS */
} wr_weakmap_options;
#ifdef __cplusplus
#define WR_WEAKMAP_OPTIONS_INIT                                                                              \
    { sizeof(wr_weakmap_options) }
#else
#define WR_WEAKMAP_OPTIONS_INIT                                                                              \
    { sizeof(wr_weakmap_options), 0, 0, NULL }
#endif

/* Make a weak map, by identity: a value for each object, until the object dies. A value that refers strongly
 * to its own key, by whatever way round, keeps it alive for ever, as the map keeps the value: hold the key
 * weakly from there. wr_report_cycles shows it where values are objects and their types have a trace.
 * Gives:     the map, to be freed by wr_weakmap_free.
 * Returns:   the map; NULL with errno ENOMEM.
 * Blocks:    never.   Allocates: some KiB, later more: about 144 bytes for each entry.
 * Callbacks: value_destroy(value), once for each value the map took, when its entry has gone and no visitor
 *            has it: at its key's end on that thread or queue, after the key's destroy; no lock is held.
 * See:       D13, S51; weakref.WeakKeyDictionary.   Since: 0.9 */
WR_API wr_weakmap *wr_weakmap_new(void (*value_destroy)(void *value)) WR_MUST_USE;

/* Make a weak map with options: see wr_weakmap_options.
 * Gives:     as wr_weakmap_new.
 * Returns:   as wr_weakmap_new; NULL with errno EINVAL also for options of another size, unknown flags, a
 *            number of shards that is no power of two up to 128, or a value_destroy with WR_VALUE_OBJECTS.
 * Blocks:    never.   Allocates: as wr_weakmap_new.
 * Callbacks: as wr_weakmap_new; by value, the hash and equal of the keys' types, with no lock held.
 * See:       D13, S51.   Since: 0.9 */
WR_API wr_weakmap *wr_weakmap_new_ex(const wr_weakmap_options *options) WR_MUST_USE;

/* Free a map and its values.
 * Takes:     the map; NULL does nothing. No other use of it may be under way or follow; deaths on other
 *            threads may be.
 * Blocks:    briefly on its locks and the stripes of its keys.   Allocates: never.   Callbacks: as
 *            wr_weakmap_new.
 * See:       D13.   Since: 0.9 */
WR_API void wr_weakmap_free(wr_weakmap *map);

/* Set the value of a key, in place of what it has; by value, an equal key that is there stays the key, as in
 * Python.
 * Needs:     a strong reference to `key`.
 * Takes:     `value`, on success; with WR_VALUE_OBJECTS a reference of its own.
 * Returns:   0; -EINVAL: a NULL map or key, or with WR_VALUE_OBJECTS a NULL value; -ENOTSUP: a key of a
 *            WR_NO_WEAKREF type, or a weakref; -ESTALE: the key is killed or dying; -ENOMEM; by value, what
 *            the type's hash returned. When it fails nothing was changed.
 * Blocks:    briefly on the lock of a shard and the key's stripe.
 * Allocates: as wr_new, also buckets, now and then, 4 KiB at a time; and seldom a list of those.
 * Callbacks: as wr_new; the end of the value before; by value, the type's hash and equal.
 * See:       D13, S51.   Since: 0.9 */
WR_API int wr_weakmap_set(wr_weakmap *map, void *key, void *value);

/* Return the value of a key.
 * Needs:     a strong reference to `key`.
 * Gives:     with WR_VALUE_OBJECTS one strong reference, unless NULL. Otherwise the value stays the map's: it
 *            is there until it is replaced or taken out, which is yours to know, or, by value, an equal key
 *            that it hangs on ends.
 * Returns:   the value; NULL when there is none, or it is NULL.
 * Blocks:    briefly on the lock of a shard.   Allocates: never.   Callbacks: by value, the type's hash and
 *            equal.
 * See:       D13, S51.   Since: 0.9 */
WR_API void *wr_weakmap_get(wr_weakmap *map, void *key);

/* Set the value of a key, unless it has one.
 * Needs:     as wr_weakmap_set.
 * Takes:     `value`, when it returns 1, as wr_weakmap_set.
 * Gives:     in *result (may be NULL) the value that is there now, as wr_weakmap_get does.
 * Returns:   1: it was set; 0: there was one; errors as wr_weakmap_set: *result is NULL.
 * Blocks:    as wr_weakmap_set.   Allocates: as wr_weakmap_set.   Callbacks: as wr_weakmap_set.
 * See:       D13, S51; dict.setdefault.   Since: 0.9 */
WR_API int wr_weakmap_set_default(wr_weakmap *map, void *key, void *value, void **result);

/* Tell whether a key has a value.
 * Needs:     a strong reference to `key`, or NULL.
 * Returns:   that, at some moment of the call; false for what cannot be a key.
 * Blocks:    as wr_weakmap_get.   Allocates: never.   Callbacks: as wr_weakmap_get.
 * See:       D13, S51.   Since: 0.9 */
WR_API bool wr_weakmap_contains(wr_weakmap *map, void *key);

/* Take a key out, and destroy its value.
 * Needs:     a strong reference to `key`, or NULL.
 * Returns:   0; -ENOENT: it is not there; -EINVAL, -ENOTSUP and what the type's hash returned, as
 *            wr_weakmap_set.
 * Blocks:    as wr_weakmap_set.   Allocates: never.   Callbacks: as wr_weakmap_set.
 * See:       D13, S51.   Since: 0.9 */
WR_API int wr_weakmap_remove(wr_weakmap *map, void *key);

/* Take a key out, and return its value.
 * Needs:     as wr_weakmap_remove.
 * Gives:     *value, which is the caller's now. A visitor may still look at it, unless values are objects.
 * Returns:   as wr_weakmap_remove; nothing is written unless 0.
 * Blocks:    as wr_weakmap_remove.   Allocates: never.   Callbacks: as wr_weakmap_get.
 * See:       D13, S51; dict.pop.   Since: 0.9 */
WR_API int wr_weakmap_pop(wr_weakmap *map, void *key, void **value);

/* Take any key out, and return it and its value; which one is not said.
 * Gives:     one strong reference to the key, unless NULL; *value, as wr_weakmap_pop.
 * Returns:   the key; NULL when there is none, errno kept, or with errno EINVAL.
 * Blocks:    on the locks of shards, while it looks for one.   Allocates: never.   Callbacks: none.
 * See:       D13, S51; dict.popitem.   Since: 0.9 */
WR_API void *wr_weakmap_popitem(wr_weakmap *map, void **value) WR_MUST_USE;

/* Take out every key that is there when it is called.
 * Blocks:    as wr_weakmap_remove, for each.   Allocates: never.   Callbacks: as wr_weakmap_remove.
 * See:       D13, S51.   Since: 0.9 */
WR_API void wr_weakmap_clear(wr_weakmap *map);

/* Count the keys that are alive; it looks at each.
 * Returns:   how many; 0 for NULL.
 * Blocks:    briefly on the lock of a shard, again and again.   Allocates: never.   Callbacks: none.
 * See:       D13, S49.   Since: 0.9 */
WR_API size_t wr_weakmap_len(wr_weakmap *map);

/* Call visit(key, value, arg) for each key that is alive, in no order; the value is not destroyed before it
 * returns.
 * Returns:   0; what `visit` returned when that was not 0; -EINVAL: a NULL.
 * Blocks:    briefly on the locks of shards.   Allocates: never.
 * Callbacks: `visit`, with no lock held; the end of what was taken out meanwhile.
 * See:       D13, S50.   Since: 0.9 */
WR_API int wr_weakmap_foreach(wr_weakmap *map, int (*visit)(void *key, void *value, void *arg), void *arg);

/* Set in `map` every key and value of `from`: with WR_VALUE_OBJECTS in both, or no value_destroy in either,
 * as a value cannot belong to two maps.
 * Returns:   0; -EINVAL: a NULL, or not so; -ENOMEM, and what a type's hash returned: those set so far stay.
 * Blocks:    as wr_weakmap_set.   Allocates: as wr_weakmap_set.   Callbacks: as wr_weakmap_set.
 * See:       D13, S51; dict.update.   Since: 0.9 */
WR_API int wr_weakmap_update(wr_weakmap *map, wr_weakmap *from);

/* Make a map with the options, keys and values of another, which has no value_destroy.
 * Gives:     as wr_weakmap_new.
 * Returns:   the map; NULL with errno EINVAL, ENOMEM, or what a type's hash returned.
 * Blocks:    as wr_weakmap_set.   Allocates: as wr_weakmap_set.   Callbacks: as wr_weakmap_set.
 * See:       D13, S51; dict.copy.   Since: 0.9 */
WR_API wr_weakmap *wr_weakmap_copy(wr_weakmap *map) WR_MUST_USE;

/* ---- weak sets ---- */

typedef struct wr_weakset wr_weakset;

/* How a set is to be. Start from WR_WEAKSET_OPTIONS_INIT. */
typedef struct wr_weakset_options {
    size_t size;     /* of this struct */
    unsigned flags;  /* WR_BY_VALUE */
    unsigned shards; /* a power of two up to 128; 0: chosen */
} wr_weakset_options;
#ifdef __cplusplus
#define WR_WEAKSET_OPTIONS_INIT                                                                              \
    { sizeof(wr_weakset_options) }
#else
#define WR_WEAKSET_OPTIONS_INIT                                                                              \
    { sizeof(wr_weakset_options), 0, 0 }
#endif

/* Make a weak set, by identity.
 * Gives:     the set, to be freed by wr_weakset_free.
 * Returns:   the set; NULL with errno ENOMEM.
 * Blocks:    never.   Allocates: some KiB, later more: about 104 bytes for each member, by value 136.
 * Callbacks: none.
 * See:       D13, S52; weakref.WeakSet.   Since: 0.9 */
WR_API wr_weakset *wr_weakset_new(void) WR_MUST_USE;

/* Make a weak set with options: see wr_weakset_options.
 * Gives:     as wr_weakset_new.
 * Returns:   as wr_weakset_new; NULL with errno EINVAL also for options of another size, unknown flags, or a
 *            number of shards that is no power of two up to 128.
 * Blocks:    never.   Allocates: as wr_weakset_new.
 * Callbacks: by value, the hash and equal of the members' types, with no lock held.
 * See:       D13, S52.   Since: 0.9 */
WR_API wr_weakset *wr_weakset_new_ex(const wr_weakset_options *options) WR_MUST_USE;

/* Free a set; its members live on.
 * Takes:     the set; NULL does nothing. No other use of it may be under way or follow; deaths on other
 *            threads may be.
 * Blocks:    briefly on its locks and the stripes of its members.   Allocates: never.   Callbacks: none.
 * See:       D13.   Since: 0.9 */
WR_API void wr_weakset_free(wr_weakset *set);

/* Add an object.
 * Needs:     a strong reference to `obj`.
 * Returns:   1: added; 0: it, or by value an equal one, is there; -EINVAL: a NULL; -ENOTSUP: a WR_NO_WEAKREF
 *            type, or a weakref; -ESTALE: obj is killed or dying; -ENOMEM; by value, what the type's hash
 *            returned. When it fails nothing was changed.
 * Blocks:    briefly on the lock of a shard and the object's stripe.
 * Allocates: as wr_new, also buckets, now and then, 4 KiB at a time; and seldom a list of those.
 * Callbacks: as wr_new; by value, the type's hash and equal.
 * See:       D13, S52.   Since: 0.9 */
WR_API int wr_weakset_add(wr_weakset *set, void *obj);

/* Take an object out, if it is there.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   1: it was; 0: not; -EINVAL, -ENOTSUP and what the type's hash returned, as wr_weakset_add.
 * Blocks:    as wr_weakset_add.   Allocates: never.   Callbacks: by value, the type's hash and equal.
 * See:       D13, S52.   Since: 0.9 */
WR_API int wr_weakset_discard(wr_weakset *set, void *obj);

/* Take an object out.
 * Needs:     as wr_weakset_discard.
 * Returns:   0; -ENOENT: it is not there; errors as wr_weakset_discard.
 * Blocks:    as wr_weakset_discard.   Allocates: never.   Callbacks: as wr_weakset_discard.
 * See:       D13, S52.   Since: 0.9 */
WR_API int wr_weakset_remove(wr_weakset *set, void *obj);

/* Tell whether an object, or by value an equal one, is there and alive.
 * Needs:     a strong reference to `obj`, or NULL.
 * Returns:   that, at some moment of the call; false for what cannot be a member.
 * Blocks:    briefly on the lock of a shard.   Allocates: never.   Callbacks: as wr_weakset_discard.
 * See:       D13, S52.   Since: 0.9 */
WR_API bool wr_weakset_contains(wr_weakset *set, void *obj);

/* Take any member out and return it; which one is not said.
 * Gives:     one strong reference, unless NULL.
 * Returns:   the object; NULL when there is none, errno kept.
 * Blocks:    on the locks of shards, while it looks for one.   Allocates: never.   Callbacks: none.
 * See:       D13, S52.   Since: 0.9 */
WR_API void *wr_weakset_pop(wr_weakset *set) WR_MUST_USE;

/* Take out every member that is there when it is called.
 * Blocks:    as wr_weakset_discard, for each.   Allocates: never.   Callbacks: none.
 * See:       D13, S52.   Since: 0.9 */
WR_API void wr_weakset_clear(wr_weakset *set);

/* Count the members that are alive; it looks at each.
 * Returns:   how many; 0 for NULL.
 * Blocks:    briefly on the lock of a shard, again and again.   Allocates: never.   Callbacks: none.
 * See:       D13, S49, S52.   Since: 0.9 */
WR_API size_t wr_weakset_len(wr_weakset *set);

/* Call visit(obj, arg) for each member that is alive, in no order.
 * Returns:   0; what `visit` returned when that was not 0; -EINVAL: a NULL.
 * Blocks:    briefly on the locks of shards.   Allocates: never.
 * Callbacks: `visit`, with no lock held; the end of members whose last reference is dropped meanwhile.
 * See:       D13, S50, S52.   Since: 0.9 */
WR_API int wr_weakset_foreach(wr_weakset *set, int (*visit)(void *obj, void *arg), void *arg);

/* Make a set with the options and members of another.
 * Gives:     as wr_weakset_new.
 * Returns:   the set; NULL with errno EINVAL (NULL), ENOMEM, or what a type's hash returned.
 * Blocks:    as wr_weakset_add.   Allocates: as wr_weakset_add.   Callbacks: as wr_weakset_add.
 * See:       D13, S52.   Since: 0.9 */
WR_API wr_weakset *wr_weakset_copy(wr_weakset *set) WR_MUST_USE;

/* Make the set of what is in a or b, with the options of a. Neither is changed.
 * Gives:     as wr_weakset_new.
 * Returns:   the set; NULL with errno EINVAL (a NULL), ENOMEM, or what a type's hash returned.
 * Blocks:    as wr_weakset_add.   Allocates: as wr_weakset_add.   Callbacks: as wr_weakset_add.
 * See:       D13, S52.   Since: 0.9 */
WR_API wr_weakset *wr_weakset_union(wr_weakset *a, wr_weakset *b) WR_MUST_USE;
/* Make the set of what is in a and b. See wr_weakset_union. */
WR_API wr_weakset *wr_weakset_intersection(wr_weakset *a, wr_weakset *b) WR_MUST_USE;
/* Make the set of what is in a and not in b. See wr_weakset_union. */
WR_API wr_weakset *wr_weakset_difference(wr_weakset *a, wr_weakset *b) WR_MUST_USE;
/* Make the set of what is in one of a and b. See wr_weakset_union. */
WR_API wr_weakset *wr_weakset_symmetric_difference(wr_weakset *a, wr_weakset *b) WR_MUST_USE;

/* Add what is in another set, which may be the same one.
 * Returns:   0; -EINVAL: a NULL; -ENOMEM, and what a type's hash returned: what was done so far stays.
 * Blocks:    as wr_weakset_add.   Allocates: as wr_weakset_add.   Callbacks: as wr_weakset_add.
 * See:       D13, S52.   Since: 0.9 */
WR_API int wr_weakset_update(wr_weakset *set, wr_weakset *other);
/* Take out what is not in another set. See wr_weakset_update.
 * Allocates: never.   Callbacks: as wr_weakset_foreach and wr_weakset_discard. */
WR_API int wr_weakset_intersection_update(wr_weakset *set, wr_weakset *other);
/* Take out what is in another set. See wr_weakset_update.
 * Allocates: never.   Callbacks: as wr_weakset_foreach and wr_weakset_discard. */
WR_API int wr_weakset_difference_update(wr_weakset *set, wr_weakset *other);
/* Take out what is in both, and add what is in the other set only. See wr_weakset_update. */
WR_API int wr_weakset_symmetric_difference_update(wr_weakset *set, wr_weakset *other);

/* Tell whether all of a is in b. Of what comes, goes or dies meanwhile, either may be said.
 * Returns:   1: yes; 0: no; -EINVAL: a NULL.
 * Blocks:    as wr_weakset_contains.   Allocates: never.   Callbacks: as wr_weakset_foreach and
 *            wr_weakset_contains.
 * See:       D13, S52.   Since: 0.9 */
WR_API int wr_weakset_is_subset(wr_weakset *a, wr_weakset *b);
/* Tell whether all of b is in a. See wr_weakset_is_subset. */
WR_API int wr_weakset_is_superset(wr_weakset *a, wr_weakset *b);
/* Tell whether nothing of a is in b. See wr_weakset_is_subset. */
WR_API int wr_weakset_is_disjoint(wr_weakset *a, wr_weakset *b);
/* Tell whether a and b have the same members. See wr_weakset_is_subset. */
WR_API int wr_weakset_equal(wr_weakset *a, wr_weakset *b);

/* ---- listeners ---- */

typedef struct wr_listeners wr_listeners;

/* What is called: on an object that was added, held for the call, with the event and what was added with it. */
typedef void (*wr_method)(void *self, void *event, void *arg);

/* Make a list of listeners: methods to call on objects that are held weakly.
 * Gives:     the list, to be freed by wr_listeners_free.
 * Returns:   the list; NULL with errno ENOMEM.
 * Blocks:    never.   Allocates: less than a KiB, later more: about 168 bytes for each listener.
 * Callbacks: none.
 * See:       D13, S53; weakref.WeakMethod.   Since: 0.9 */
WR_API wr_listeners *wr_listeners_new(void) WR_MUST_USE;

/* Free a list of listeners.
 * Takes:     the list; NULL does nothing. No other use of it may be under way, not in a method it calls
 *            either, or follow; deaths on other threads may be.
 * Blocks:    briefly on its lock and the stripes of its objects.   Allocates: never.   Callbacks: none.
 * See:       D13.   Since: 0.9 */
WR_API void wr_listeners_free(wr_listeners *listeners);

/* Add a listener, behind all others; the same object and method may be there already.
 * Needs:     a strong reference to `self`; `arg` must stay valid until no call of the method is possible any
 *            more.
 * Returns:   0; -EINVAL: listeners, self or method is NULL; -ENOTSUP: a WR_NO_WEAKREF type, or a weakref;
 *            -ESTALE: self is killed or dying; -ENOMEM. When it fails nothing was changed.
 * Blocks:    briefly on the list's lock and the object's stripe.
 * Allocates: as wr_new, also buckets, now and then, 4 KiB at a time; and seldom a list of those.
 * Callbacks: as wr_new.
 * See:       D13, S53.   Since: 0.9 */
WR_API int wr_listeners_add(wr_listeners *listeners, void *self, wr_method method, void *arg);

/* Add a listener, unless one of this object and method is there, whatever its argument.
 * Needs:     as wr_listeners_add.
 * Returns:   1: added; 0: one was there; errors as wr_listeners_add.
 * Blocks:    as wr_listeners_add.   Allocates: as wr_listeners_add.   Callbacks: as wr_listeners_add.
 * See:       D13, S53.   Since: 0.9 */
WR_API int wr_listeners_add_once(wr_listeners *listeners, void *self, wr_method method, void *arg);

/* Take the oldest listener of an object and method out. A call of it that is under way on another thread, or
 * has come to it, goes on.
 * Needs:     a strong reference to `self`.
 * Returns:   0; -ENOENT: there is none, or self is killed; -EINVAL: a NULL.
 * Blocks:    as wr_listeners_add.   Allocates: never.   Callbacks: none.
 * See:       D13, S53.   Since: 0.9 */
WR_API int wr_listeners_remove(wr_listeners *listeners, void *self, wr_method method);

/* Take the oldest listener of an object and method out, and wait until no thread is inside of this method on
 * this object by this list.
 * Needs:     as wr_listeners_remove.
 * Returns:   as wr_listeners_remove; it has waited also when there was none to take out, so that after several
 *            who remove, none is inside. From inside the method itself, on the same object, it does not wait.
 * Order:     what the method did is seen.
 * Blocks:    while the method runs on another thread. Two methods that remove each other deadlock: use the
 *            timed form there.
 * Allocates: never.   Callbacks: none.
 * See:       D13, S53.   Since: 0.9 */
WR_API int wr_listeners_remove_wait(wr_listeners *listeners, void *self, wr_method method);

/* Take the oldest listener of an object and method out, and wait as wr_listeners_remove_wait, but no longer than
 * `timeout_ms` milliseconds (negative: for ever).
 * Needs:     as wr_listeners_remove.
 * Returns:   as wr_listeners_remove_wait; -ETIMEDOUT: what there was is out, but the method still runs.
 * Order:     as wr_listeners_remove_wait.
 * Blocks:    as wr_listeners_remove_wait, up to the timeout.   Allocates: never.   Callbacks: none.
 * See:       D13, S53.   Since: 0.9 */
WR_API int wr_listeners_remove_wait_timed(wr_listeners *listeners, void *self, wr_method method,
                                          int64_t timeout_ms);

/* Tell whether there is a listener of an object and method.
 * Needs:     a strong reference to `self`.
 * Returns:   that, at some moment of the call; false for NULLs.
 * Blocks:    briefly on the list's lock.   Allocates: never.   Callbacks: none.
 * See:       D13, S53.   Since: 0.9 */
WR_API bool wr_listeners_contains(wr_listeners *listeners, void *self, wr_method method);

/* Call every listener, in the order they were added, each with its object held. One that is taken out or
 * whose object is dead when its turn comes is passed by; one that is added meanwhile waits for the next call.
 * Returns:   how many were called; -EINVAL: NULL.
 * Blocks:    briefly on the list's lock.   Allocates: never.
 * Callbacks: the methods, on this thread, with no lock held: they may add, remove and call this very list;
 *            and the end of objects whose last reference is dropped meanwhile.
 * See:       D13, S53.   Since: 0.9 */
WR_API int wr_listeners_call(wr_listeners *listeners, void *event);

/* Call visit(self, method, method_arg, arg) for each listener whose object is alive, in their order.
 * Returns:   0; what `visit` returned when that was not 0; -EINVAL: a NULL.
 * Blocks:    briefly on the list's lock.   Allocates: never.   Callbacks: `visit`, with no lock held; as
 *            wr_listeners_call.
 * See:       D13, S50, S53.   Since: 0.9 */
WR_API int wr_listeners_foreach(wr_listeners *listeners,
                                int (*visit)(void *self, wr_method method, void *method_arg, void *arg),
                                void *arg);

/* Take out every listener that is there when it is called.
 * Blocks:    as wr_listeners_remove, for each.   Allocates: never.   Callbacks: none.
 * See:       D13, S53.   Since: 0.9 */
WR_API void wr_listeners_clear(wr_listeners *listeners);

/* Count the listeners whose objects are alive; it looks at each.
 * Returns:   how many; 0 for NULL.
 * Blocks:    briefly on the list's lock, again and again.   Allocates: never.   Callbacks: none.
 * See:       D13, S49, S53.   Since: 0.9 */
WR_API size_t wr_listeners_len(wr_listeners *listeners);

/* ---- the process ---- */

/* Give memory that holds no object back to the system; weak values into it stay dead.
 * Returns:   how many bytes were given back. Only whole 2 MiB chunks with no object, no slot in another
 *            thread's cache and no retired slot go back; the calling thread's own cache is emptied first.
 * Blocks:    on the lock of each size class while it looks over that class's free slots; so do others who need
 *            it.
 * Allocates: never.
 * Callbacks: the destroy of objects left by a failed wr_weak_get, as in wr_new.
 * See:       D3.   Since: 0.9 */
WR_API size_t wr_trim(void);

/* An allocator, as realloc: size 0 frees `ptr` and returns NULL; ptr NULL allocates; NULL for a size above 0 is
 * failure. Memory must be aligned as malloc's. May be called from any thread at once; must not call weakrt. A
 * process that forks needs one that works in the child, as malloc does. */
typedef void *(*wr_allocator)(void *ctx, void *ptr, size_t size);

/* Choose the allocator for everything that is neither an object nor the buckets of a table, which are made as
 * objects are: records of threads, containers, keys of over 128 bytes.
 * Needs:     to be called before anything was allocated. NULL: the C library's.
 * Returns:   0; -EBUSY when something was allocated already (nothing is changed).
 * Blocks:    never.   Allocates: never.   Callbacks: none.
 * See:       D8.   Since: 0.9 */
WR_API int wr_set_allocator(wr_allocator fn, void *ctx);

/* What is called with a one-line message (no newline) when misuse was noticed. */
typedef void (*wr_fatal_handler)(const char *message);

/* Choose what happens on misuse; the default writes the message to stderr and aborts.
 * Returns:   the handler before (NULL: the default). NULL restores the default.
 * Blocks:    never.   Allocates: never.
 * Callbacks: the handler, on the thread and inside the call that misused. It should not return: the
 *            process aborts when it does.
 * See:       D8.   Since: 0.9 */
WR_API wr_fatal_handler wr_set_fatal_handler(wr_fatal_handler handler);

/* ---- diagnostics ---- */

/* Switch on what finds faults: `switches` is `key` or `key=value`, with commas between. The environment variable
 * WEAKRT_DEBUG says the same to a program as it is; an unknown key there gives one line of warning. `key=0` is off.
 *   poison        fill the memory of dead objects, and notice before its reuse that it was written to
 *   quarantine=N  keep the last N freed slots of each thread from reuse, so that more such writes are noticed
 *   guard         fill what is behind each object, and notice at its death that it was written to: an overrun
 *   ages          note when each object is made, so that reports name the oldest of each type
 *   report        wr_report_live(stderr) at exit
 *   holders=N     record one in N of the references that wr_hold and wr_track are told of, at random; 1: each
 *   backtrace=N   with up to N (8, at most 16) frames of who called, where the C library or libunwind can tell
 * Needs:     that no other thread is inside wr_debug; for poison, quarantine, guard and ages, inside weakrt.
 * Returns:   0; -EINVAL: NULL, an unknown key, or a value out of range; -EBUSY: one of those four, when an object
 *            was made already. When it fails nothing was changed.
 * Blocks:    never.   Allocates: what atexit does.   Callbacks: none.
 * On misuse: a write to a dead object, or behind a live one, that poison or guard notices is fatal: the message names
 *            its type and the byte.
 * See:       D8.   Since: 0.9 */
WR_API int wr_debug(const char *switches);

/* What happened so far, and what there is. What retain, release, get, wr_new and deaths without a callback or
 * destroy do is not counted, since counting would cost more than the work: what is alive is found by looking. */
typedef struct wr_stats {
    uint64_t live;            /* objects alive, the library's own with them: weakrefs, finalizers, queues */
    uint64_t live_killed;     /* of these, killed and still held */
    uint64_t live_bytes;      /* of memory they have, headers and rounding included */
    uint64_t used_bytes;      /* of memory that was used since it was new or trimmed: what may be resident */
    uint64_t committed_bytes; /* of address space that can be used, in chunks of 2 MiB */
    uint64_t slots_retired;   /* slots that used up their tags */
    uint64_t killed, cleared; /* objects: by the calls that did it */
    uint64_t stale_refs;      /* wr_weakref_get, and operations on proxies, whose referent was dead */
    uint64_t callbacks_fired; /* run */
    uint64_t
        callbacks_cancelled; /* never to run: cancelled, silenced, or their weakref or queue was gone first */
    uint64_t callbacks_queued; /* given to a queue, to be run or cancelled later */
    uint64_t finalizers_run;
    uint64_t finalized;           /* objects whose type's finalize has run */
    uint64_t resurrected;         /* of these, resurrected by it */
    uint64_t borrows_handed_over; /* ends of WR_BORROWABLE objects left to a thread that borrowed them */
    uint64_t longest_row; /* most deaths that waited for one outermost death, callback or run to end */
} wr_stats;

/* Sum up the statistics.
 * Needs:     that the type of an object that dies during the call stays in place until it returns.
 * Gives:     in *out, which is `size` bytes, as much as fits of a wr_stats, and zeroes where this library has less;
 *            `out` NULL: nothing.
 * Order:     none: a sum over what threads counted, right up to what is under way.
 * Blocks:    briefly on the locks of size classes and thread records; looks at every slot of the process.
 * Allocates: never.   Callbacks: none.
 * See:       D14.   Since: 0.9 */
WR_API void wr_stats_get(wr_stats *out, size_t size);

typedef enum wr_format { WR_TEXT, WR_JSON, WR_PROMETHEUS, WR_GRAPHVIZ } wr_format;

/* Write the statistics, and what is alive of each type, as text, JSON (one object, one line) or in Prometheus'
 * exposition format; types of one name are counted together.
 * Needs:     as wr_stats_get.
 * Returns:   0; -EINVAL: `f` is NULL, or a format that it does not have; -ENOMEM; -EIO: `f` has an error.
 * Blocks:    as wr_stats_get, and as writing does.   Allocates: some bytes for each type, until it returns.
 * Callbacks: none.
 * See:       D14.   Since: 0.9 */
WR_API int wr_stats_write(FILE *f, wr_format fmt);

/* Write what is alive, by type: how many, how many of them killed and still held, references to them, bytes. What
 * was killed and is held comes first: somebody was told to let go of it and has not. Where references are recorded
 * (wr_hold), the places they are held at follow, with those where others from there were given up.
 * Needs:     as wr_stats_get.
 * Returns:   as wr_stats_write.
 * Order:     as wr_stats_get.
 * Blocks:    as wr_stats_write.   Allocates: as wr_stats_write.   Callbacks: none.
 * See:       D14.   Since: 0.9 */
WR_API int wr_report_live(FILE *f);

/* Write who holds an object: how many references there are, and of those that are recorded (wr_hold) the places.
 * Needs:     nothing of `obj` but that it was an object once: it may be dead, and another one in its place.
 * Returns:   0; -EINVAL: `f` is NULL, or `obj` is NULL or no place of an object; -ESTALE: it is dead; -EIO: `f` has an
 *            error.
 * Blocks:    briefly on the object's stripe, and as writing does.   Allocates: never.   Callbacks: none.
 * See:       D14.   Since: 0.9 */
WR_API int wr_report_holders(FILE *f, const void *obj);

/* Find objects that own each other in circles, by the trace of their types, and write each group of them with a
 * shortest circle, by the names of fields, and which field to make weak; as text, JSON (one object, one line), or a
 * Graphviz graph with the circles in red.
 * Needs:     quiet: nobody else calls weakrt, or changes what trace looks at, until it returns. Objects whose type
 *            has no trace are taken to own nothing but what weak maps have for them.
 * Returns:   as wr_stats_write, also when there are none.
 * Blocks:    as wr_stats_write.   Allocates: about 50 bytes for each object with a trace and 40 for each reference
 *            visited, until it returns.
 * Callbacks: trace, which may call nothing but `visit`.
 * See:       D14.   Since: 0.9 */
WR_API int wr_report_cycles(FILE *f, wr_format fmt);

/* Take every lock of the library before a fork; pthread_atfork(wr_atfork_prepare, wr_atfork_parent,
 * wr_atfork_child) is for processes whose other threads use weakrt when they fork and that go on in the child
 * without exec. Nothing is needed for fork and exec, or when the forking process has one thread.
 * Blocks:    prepare, on each lock in turn; parent and child never.   Allocates: never.
 * Callbacks: none. In the child, objects that absent threads held stay held, slots in their caches are lost, and
 *            what they were inside of never ends: a callback that one was running, to wr_weakref_cancel, and a
 *            push, to wr_queue_free. The descriptor of a queue is still the parent's too: do not run or poll
 *            queues of the parent in the child, but free them there and make new ones.
 * See:       D7.   Since: 0.9 */
WR_API void wr_atfork_prepare(void);
/* Give the locks back in the parent. See wr_atfork_prepare, D7. */
WR_API void wr_atfork_parent(void);
/* Give the locks back in the child. See wr_atfork_prepare, D7. */
WR_API void wr_atfork_child(void);

#ifdef __cplusplus
}
#endif

#endif /* WEAKRT_H */
