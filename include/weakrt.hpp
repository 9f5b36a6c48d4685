/* SPDX-License-Identifier: MIT */
/*
 * weakrt for C++17: what shared_ptr and weak_ptr are for, on weakrt's objects.
 *
 *   wr::strong<T>    owns a reference; one pointer          wr::make<T>(args...) makes an object of it
 *   wr::weak<T>      64 plain bits, trivially copyable; lock() gives a strong<T>, or an empty one
 *   wr::borrowed<T>  access for a while, without a reference
 *   wr::cell<T>      an atomic strong<T>; wr::weak_cell<T>: an atomic weak<T>
 *   wr::alias<T>     two pointers: a reference to one object, access to something in it, or to a base of it that does
 *                    not start where the object does; wr::weak_alias<T> is its weak form
 *
 * How it compares
 *   A strong<T> is the pointer and nothing else: a call of the C functions is all that copying and destroying it
 *   cost. So a strong<Derived> becomes a strong<Base> only where Base starts where Derived does, as it does with
 *   single inheritance; for other bases say alias<Base>. A weak<T> has nobody to tell of copies; it goes through
 *   to_u64 and from_u64 anywhere. Include weakrt_inline.h before this to have the hot path inlined.
 *   As with make_shared there is one allocation; unlike it, the memory is free again when the object is dead,
 *   however many weak<T> are left.
 *
 * Threads
 *   As with shared_ptr: different handles to one object may be used by different threads; one handle that is changed
 *   may not, unless it is a cell. C functions take object(), the address that they know.
 *
 * A type can say more of itself by members, all optional:
 *   static constexpr uint32_t wr_flags = WR_BORROWABLE;    static constexpr const char *wr_name = "conn";
 *   static inline wr_queue *wr_delivery;                   where destructors run, wr_type.queue
 *   void wr_finalize();                                    wr_type.finalize
 *   void wr_trace(wr_visit visit, void *arg);              wr_type.trace
 *   bool wr_equal(const T &) const;   uint64_t wr_hash() const;
 *
 * Exceptions
 *   make throws std::bad_alloc, and what the constructor throws: then the destructor does not run, no weak reference
 *   to the half-made object is alive, and its memory is free once nobody holds it. A strong from a weak that is dead
 *   throws std::bad_weak_ptr. Nothing else throws. Destructors must not. Without exceptions those cases abort.
 */
#ifndef WEAKRT_HPP
#define WEAKRT_HPP

#include "weakrt.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace wr {

template <class T> class strong;
template <class T> class weak;
template <class T> class borrowed;
template <class T> class cell;
template <class T> class weak_cell;
template <class T> class alias;
template <class T> class weak_alias;

namespace detail {

/* ---- where a base starts ---- */

#if !defined(__clang__)
/* Storage that is never there: only its address is looked at, by the compiler. */
template <class D> struct somewhere {
    union place {
        char none;
        D object;
        constexpr place() : none() {
        }
        ~place() {
        }
    };
    static place at;
};
#endif

template <class D, class B, class = void> struct is_plain_base : std::false_type {};
template <class D, class B>
struct is_plain_base<D, B, std::void_t<decltype(static_cast<D *>(std::declval<B *>()))>>
    : std::is_base_of<B, D> {};

/* Does B, a base that is not virtual, start where D does? Of an abstract D gcc can tell only at run time. */
template <class D, class B> constexpr bool starts_with() {
#if defined(__clang__)
    return __builtin_constant_p((char *)static_cast<B *>((D *)4096) - (char *)4096)
               ? ((char *)static_cast<B *>((D *)4096) - (char *)4096) == 0
               : ((char *)static_cast<B *>((D *)4096) - (char *)4096) == 0;
#else
    if constexpr (std::is_abstract_v<D>) {
        return true;
    } else {
        D &object = somewhere<D>::at.object;
        B &base = object; /* by reference: a pointer might be null, for all that a sanitizer knows */
        return static_cast<const void *>(std::addressof(base)) ==
               static_cast<const void *>(std::addressof(object));
    }
#endif
}

template <class D, class B> constexpr bool is_same_place() {
    using d = std::remove_cv_t<D>;
    using b = std::remove_cv_t<B>;
    if constexpr (!std::is_convertible_v<D *, B *>) {
        return false;
    } else if constexpr (std::is_same_v<d, b> || std::is_void_v<b>) {
        return true;
    } else if constexpr (is_plain_base<d, b>::value) {
        constexpr bool starts = starts_with<d, b>();
        return starts;
    } else {
        return false;
    }
}

/* From D to B by the pointer alone; D and B in one place. */
template <class D, class B> using if_same_place = std::enable_if_t<is_same_place<D, B>(), int>;
template <class D, class B> using if_convertible = std::enable_if_t<std::is_convertible_v<D *, B *>, int>;

inline void *plain(const volatile void *pointer) noexcept {
    return const_cast<void *>(pointer);
}

[[noreturn]] inline void throw_bad_weak() {
#ifdef __cpp_exceptions
    throw std::bad_weak_ptr();
#else
    std::abort();
#endif
}

[[noreturn]] inline void throw_no_memory() {
#ifdef __cpp_exceptions
    throw std::bad_alloc();
#else
    std::abort();
#endif
}

/* ---- objects whose constructor has thrown ---- */

/* Somebody may still hold one: its destroy is then to do nothing, on whatever thread it runs. */
struct half_made {
    const void *object;
    half_made *next;
};
struct half_made_list {
    std::atomic<std::size_t> count{0}; /* in the list; relaxed: a destroy comes after every release */
    std::mutex lock;
    half_made *first = nullptr; /* guarded by lock */
};
inline half_made_list half_mades;

inline bool is_half_made(const void *object, bool forget) noexcept {
    if (half_mades.count.load(std::memory_order_relaxed) == 0)
        return false;
    std::lock_guard<std::mutex> guard(half_mades.lock);
    for (half_made **at = &half_mades.first; *at != nullptr; at = &(*at)->next) {
        half_made *found = *at;
        if (found->object != object)
            continue;
        if (forget) {
            *at = found->next;
            half_mades.count.fetch_sub(1, std::memory_order_relaxed);
            delete found;
        }
        return true;
    }
    return false;
}

inline void abandon(void *object, bool has_end) noexcept {
    (void)wr_kill(object);
    if (has_end) {
        half_made *node = new (std::nothrow) half_made{object, nullptr};
        if (node == nullptr)
            return; /* rather lose its memory than destroy what was never made */
        std::lock_guard<std::mutex> guard(half_mades.lock);
        node->next = half_mades.first;
        half_mades.first = node;
        half_mades.count.fetch_add(1, std::memory_order_relaxed);
    }
    wr_release(object);
}

/* ---- the type of objects of T ---- */

template <class T> constexpr std::string_view name_of() {
    std::string_view text = __PRETTY_FUNCTION__; /* ... [with T = conn; ...] */
    std::size_t from = text.find("T = ") + 4;
    std::size_t to = text.find_first_of(";", from);
    if (to == std::string_view::npos)
        to = text.rfind(']');
    return text.substr(from, to - from);
}

template <class T> constexpr auto name_text() {
    constexpr std::string_view name = name_of<T>();
    std::array<char, name.size() + 1> text{};
    for (std::size_t i = 0; i < name.size(); i++)
        text[i] = name[i];
    return text;
}
template <class T> inline constexpr auto name_bytes = name_text<T>();

template <class T, class = void> struct has_flags : std::false_type {};
template <class T> struct has_flags<T, std::void_t<decltype(T::wr_flags)>> : std::true_type {};
template <class T, class = void> struct has_name : std::false_type {};
template <class T> struct has_name<T, std::void_t<decltype(T::wr_name)>> : std::true_type {};
template <class T, class = void> struct has_delivery : std::false_type {};
template <class T> struct has_delivery<T, std::void_t<decltype(T::wr_delivery)>> : std::true_type {};
template <class T, class = void> struct has_finalize : std::false_type {};
template <class T>
struct has_finalize<T, std::void_t<decltype(std::declval<T &>().wr_finalize())>> : std::true_type {};
template <class T, class = void> struct has_trace : std::false_type {};
template <class T>
struct has_trace<
    T, std::void_t<decltype(std::declval<T &>().wr_trace(std::declval<wr_visit>(), std::declval<void *>()))>>
    : std::true_type {};
template <class T, class = void> struct has_equal : std::false_type {};
template <class T>
struct has_equal<T, std::void_t<decltype(std::declval<const T &>().wr_equal(std::declval<const T &>()))>>
    : std::true_type {};
template <class T, class = void> struct has_hash : std::false_type {};
template <class T>
struct has_hash<T, std::void_t<decltype(std::declval<const T &>().wr_hash())>> : std::true_type {};

template <class T> void destroy(void *self) noexcept {
    if (!is_half_made(self, true))
        static_cast<T *>(self)->~T();
}

template <class T> constexpr wr_type type_for() {
    wr_type type{};
    type.abi = WR_TYPE_ABI;
    type.size = sizeof(T);
    type.align = alignof(T);
    if constexpr (!std::is_trivially_destructible_v<T>)
        type.destroy = destroy<T>;
    if constexpr (has_flags<T>::value)
        type.flags = T::wr_flags;
    if constexpr (has_name<T>::value)
        type.name = T::wr_name;
    else
        type.name = name_bytes<T>.data();
    if constexpr (has_delivery<T>::value)
        type.queue = &T::wr_delivery;
    if constexpr (has_finalize<T>::value)
        type.finalize = [](void *self) {
            if (!is_half_made(self, false))
                static_cast<T *>(self)->wr_finalize();
        };
    if constexpr (has_trace<T>::value)
        type.trace = [](void *self, wr_visit visit, void *arg) {
            static_cast<T *>(self)->wr_trace(visit, arg);
        };
    if constexpr (has_equal<T>::value)
        type.equal = [](const void *a, const void *b) -> bool {
            return static_cast<const T *>(a)->wr_equal(*static_cast<const T *>(b));
        };
    if constexpr (has_hash<T>::value)
        type.hash = [](const void *self, uint64_t *out) -> int {
            *out = static_cast<const T *>(self)->wr_hash();
            return 0;
        };
    return type;
}

/* Gives a half-made object up, unless its making came to an end. */
class making {
    void *object;
    bool has_end;

  public:
    making(void *made, bool end) noexcept : object(made), has_end(end) {
    }
    making(const making &) = delete;
    making &operator=(const making &) = delete;
    ~making() {
        if (object != nullptr)
            abandon(object, has_end);
    }
    void *done() noexcept {
        return std::exchange(object, nullptr);
    }
};

} // namespace detail

/* The wr_type of objects that make<T> makes; for the C functions that take one. */
template <class T> inline constexpr wr_type type_of = detail::type_for<std::remove_cv_t<T>>();

/* ---- strong: one reference, or none ---- */

template <class T> class strong {
    T *pointer = nullptr;

  public:
    using element_type = T;
    using weak_type = weak<T>;

    constexpr strong() noexcept = default;
    constexpr strong(std::nullptr_t) noexcept {
    }
    strong(const strong &other) noexcept : pointer(other.pointer) {
        wr_retain(object());
    }
    strong(strong &&other) noexcept : pointer(std::exchange(other.pointer, nullptr)) {
    }
    template <class U, detail::if_same_place<U, T> = 0>
    strong(const strong<U> &other) noexcept : strong(share(at_base(other.get()))) {
    }
    template <class U, detail::if_same_place<U, T> = 0>
    strong(strong<U> &&other) noexcept : pointer(at_base(other.detach())) {
    }
    /* Throws std::bad_weak_ptr when what `other` names is not alive. */
    template <class U, detail::if_same_place<U, T> = 0>
    explicit strong(const weak<U> &other) : strong(other.lock()) {
        if (pointer == nullptr)
            detail::throw_bad_weak();
    }
    ~strong() {
        wr_release(object());
    }
    strong &operator=(strong other) noexcept {
        swap(other);
        return *this;
    }

    /* Take over a reference that the caller has, as from a C function that gives one. */
    static strong adopt(T *held) noexcept {
        strong result;
        result.pointer = held;
        return result;
    }
    /* Take a reference of its own to an object that the caller has one to. */
    static strong share(T *held) noexcept {
        wr_retain(detail::plain(held));
        return adopt(held);
    }
    /* Give the reference to the caller, who has to release it. */
    [[nodiscard]] T *detach() noexcept {
        return std::exchange(pointer, nullptr);
    }

    void reset() noexcept {
        strong().swap(*this);
    }
    void swap(strong &other) noexcept {
        std::swap(pointer, other.pointer);
    }
    T *get() const noexcept {
        return pointer;
    }
    std::add_lvalue_reference_t<T> operator*() const noexcept {
        return *pointer;
    }
    T *operator->() const noexcept {
        return pointer;
    }
    explicit operator bool() const noexcept {
        return pointer != nullptr;
    }
    /* What the C functions know the object by. */
    void *object() const noexcept {
        return detail::plain(pointer);
    }
    long use_count() const noexcept {
        return static_cast<long>(wr_refcount(object()));
    }
    /* An order in which handles to one object are equal, weak ones with strong ones, as long as the object is not
     * killed or cleared: then its weak handles are empty ones, and those of before stay where they were. */
    template <class U> bool owner_before(const strong<U> &other) const noexcept {
        return std::less<const void *>()(object(), other.object());
    }
    template <class U> bool owner_before(const weak<U> &other) const noexcept {
        return wr_weak_of(object()).bits < other.to_u64();
    }

  private:
    /* The same address: of an abstract class gcc told it was, before it knew. */
    template <class U> static T *at_base(U *from) noexcept {
        T *to = from;
        if (detail::plain(to) != detail::plain(from))
            std::abort(); /* say alias<T> */
        return to;
    }
};

/* Make an object. Throws std::bad_alloc, and what the constructor throws. */
template <class T, class... Args> [[nodiscard]] strong<T> make(Args &&...args) {
    using made = std::remove_cv_t<T>;
    static_assert(std::is_object_v<made> && !std::is_array_v<made>, "one object; put an array in a class");
    static_assert(sizeof(made) <= WR_MAX_SIZE, "too large: let the object own its memory");
    static_assert(alignof(made) <= WR_MAX_ALIGN, "weakrt aligns to 32");
    void *memory = wr_new(&type_of<made>);
    if (memory == nullptr)
        detail::throw_no_memory();
    if constexpr (std::is_nothrow_constructible_v<made, Args...>) {
        return strong<T>::adopt(::new (memory) made(std::forward<Args>(args)...));
    } else {
        detail::making making(memory, !std::is_trivially_destructible_v<made>);
        made *object = ::new (memory) made(std::forward<Args>(args)...);
        making.done();
        return strong<T>::adopt(object);
    }
}

/* ---- weak: 64 bits ---- */

template <class T> class weak {
    wr_weak value = {0};

  public:
    using element_type = T;

    constexpr weak() noexcept = default;
    constexpr weak(std::nullptr_t) noexcept {
    }
    template <class U, detail::if_same_place<U, T> = 0>
    weak(const strong<U> &other) noexcept : value(wr_weak_of(other.object())) {
    }
    template <class U, detail::if_same_place<U, T> = 0>
    weak(const weak<U> &other) noexcept : value(other.c_value()) {
    }
    /* From what a C function gave, of an object of T. */
    constexpr explicit weak(wr_weak w) noexcept : value(w) {
    }
    /* From to_u64. Bits that were outside the process go through wr_weak_check first. */
    static constexpr weak from_u64(uint64_t bits) noexcept {
        return weak(wr_weak{bits});
    }
    constexpr uint64_t to_u64() const noexcept {
        return value.bits;
    }
    constexpr wr_weak c_value() const noexcept {
        return value;
    }

    /* The object, if it is alive; else an empty strong. */
    [[nodiscard]] strong<T> lock() const noexcept {
        return strong<T>::adopt(static_cast<T *>(wr_weak_get(value)));
    }
    [[nodiscard]] borrowed<T> borrow() const noexcept {
        return borrowed<T>(*this);
    }
    bool expired() const noexcept {
        return wr_weak_is_dead(value);
    }
    /* How many strong handles there are; asking takes a reference for a moment, maybe the last one. */
    long use_count() const noexcept {
        strong<T> held = lock();
        return held ? held.use_count() - 1 : 0;
    }
    void reset() noexcept {
        value.bits = 0;
    }
    void swap(weak &other) noexcept {
        std::swap(value, other.value);
    }
    template <class U> bool owner_before(const weak<U> &other) const noexcept {
        return value.bits < other.to_u64();
    }
    template <class U> bool owner_before(const strong<U> &other) const noexcept {
        return value.bits < wr_weak_of(other.object()).bits;
    }
    /* Unlike weak_ptr, which changes nothing but its owner: two are equal when they name the same life. */
    friend constexpr bool operator==(const weak &a, const weak &b) noexcept {
        return a.value.bits == b.value.bits;
    }
    friend constexpr bool operator!=(const weak &a, const weak &b) noexcept {
        return !(a == b);
    }
    friend constexpr bool operator<(const weak &a, const weak &b) noexcept {
        return a.value.bits < b.value.bits;
    }
};

/* The object that a member function is in, which make<T> made; from the constructor on. T is its class, or a base
 * that starts where it does. In its destructor weak_from gives an empty one, and strong_from is misuse. */
template <class T> weak<T> weak_from(T *self) noexcept {
    return weak<T>(wr_weak_of(detail::plain(self)));
}
template <class T> strong<T> strong_from(T *self) noexcept {
    return strong<T>::share(self);
}

/* Kill the object: its weak handles are dead from now on. True for the one call that did it. */
template <class T> bool kill(const strong<T> &object) noexcept {
    return wr_kill(object.object()) == 1;
}

/* ---- alias: a reference to one object, a pointer to something else ---- */

template <class T> class alias {
    strong<void> holder;
    T *pointer = nullptr;

  public:
    using element_type = T;
    using weak_type = weak_alias<T>;

    constexpr alias() noexcept = default;
    constexpr alias(std::nullptr_t) noexcept {
    }
    template <class U>
    alias(const strong<U> &owner, T *inside) noexcept
        : holder(strong<void>::share(owner.object())), pointer(inside) {
    }
    template <class U>
    alias(const alias<U> &owner, T *inside) noexcept : holder(owner.owner()), pointer(inside) {
    }
    template <class U, detail::if_convertible<U, T> = 0>
    alias(const strong<U> &other) noexcept : alias(other, other.get()) {
    }
    template <class U, detail::if_convertible<U, T> = 0>
    alias(const alias<U> &other) noexcept : alias(other, other.get()) {
    }
    alias(const alias &) noexcept = default;
    alias(alias &&other) noexcept
        : holder(std::move(other.holder)), pointer(std::exchange(other.pointer, nullptr)) {
    }
    ~alias() = default;
    alias &operator=(alias other) noexcept {
        swap(other);
        return *this;
    }
    void reset() noexcept {
        alias().swap(*this);
    }
    void swap(alias &other) noexcept {
        holder.swap(other.holder);
        std::swap(pointer, other.pointer);
    }
    T *get() const noexcept {
        return pointer;
    }
    std::add_lvalue_reference_t<T> operator*() const noexcept {
        return *pointer;
    }
    T *operator->() const noexcept {
        return pointer;
    }
    explicit operator bool() const noexcept {
        return pointer != nullptr;
    }
    const strong<void> &owner() const noexcept {
        return holder;
    }
    void *object() const noexcept {
        return holder.object();
    }
    long use_count() const noexcept {
        return holder.use_count();
    }
    template <class U> bool owner_before(const alias<U> &other) const noexcept {
        return holder.owner_before(other.owner());
    }
};

template <class T> class weak_alias {
    weak<void> holder;
    T *pointer = nullptr;

  public:
    using element_type = T;

    constexpr weak_alias() noexcept = default;
    template <class U, detail::if_convertible<U, T> = 0>
    weak_alias(const alias<U> &other) noexcept : holder(other.owner()), pointer(other.get()) {
    }
    template <class U, detail::if_convertible<U, T> = 0>
    weak_alias(const strong<U> &other) noexcept : weak_alias(alias<U>(other)) {
    }
    /* Where a base is, may stand in the object: so it is held for it. */
    template <class U, detail::if_convertible<U, T> = 0>
    weak_alias(const weak_alias<U> &other) noexcept : holder(other.owner()), pointer(other.lock().get()) {
    }
    [[nodiscard]] alias<T> lock() const noexcept {
        strong<void> held = holder.lock();
        return held ? alias<T>(held, pointer) : alias<T>();
    }
    bool expired() const noexcept {
        return holder.expired();
    }
    long use_count() const noexcept {
        return holder.use_count();
    }
    void reset() noexcept {
        *this = weak_alias();
    }
    void swap(weak_alias &other) noexcept {
        std::swap(*this, other);
    }
    weak<void> owner() const noexcept {
        return holder;
    }
    template <class U> bool owner_before(const weak_alias<U> &other) const noexcept {
        return holder.owner_before(other.owner());
    }
};

/* ---- casts ---- */

template <class T, class U> strong<T> static_pointer_cast(const strong<U> &from) noexcept {
    static_assert(detail::is_same_place<U, T>() || detail::is_same_place<T, std::remove_cv_t<U>>() ||
                      detail::is_same_place<T, U>(),
                  "the two do not start at the same place: say alias");
    return strong<T>::share(static_cast<T *>(from.get()));
}
template <class T, class U> strong<T> const_pointer_cast(const strong<U> &from) noexcept {
    return strong<T>::share(const_cast<T *>(from.get()));
}
template <class T, class U> alias<T> static_pointer_cast(const alias<U> &from) noexcept {
    return alias<T>(from, static_cast<T *>(from.get()));
}
template <class T, class U> alias<T> const_pointer_cast(const alias<U> &from) noexcept {
    return alias<T>(from, const_cast<T *>(from.get()));
}
/* What is found may be anywhere in the object. */
template <class T, class U> alias<T> dynamic_pointer_cast(const alias<U> &from) noexcept {
    T *found = dynamic_cast<T *>(from.get());
    return found != nullptr ? alias<T>(from, found) : alias<T>();
}
template <class T, class U> alias<T> dynamic_pointer_cast(const strong<U> &from) noexcept {
    return dynamic_pointer_cast<T>(alias<U>(from));
}

/* ---- borrowed ---- */

/* On the stack of one thread, and given back there: it is neither copied nor moved. What it gives may not be made a
 * strong or a weak: to keep the object, lock the weak. */
template <class T> class borrowed {
    wr_borrowed borrow;
    T *pointer;

  public:
    explicit borrowed(const weak<T> &from) noexcept
        : pointer(static_cast<T *>(wr_borrow(from.c_value(), &borrow))) {
    }
    explicit borrowed(const cell<T> &from) noexcept
        : pointer(static_cast<T *>(wr_cell_borrow(from.c_cell(), &borrow))) {
    }
    borrowed(const borrowed &) = delete;
    borrowed &operator=(const borrowed &) = delete;
    ~borrowed() {
        if (pointer != nullptr)
            wr_return(&borrow);
    }
    T *get() const noexcept {
        return pointer;
    }
    std::add_lvalue_reference_t<T> operator*() const noexcept {
        return *pointer;
    }
    T *operator->() const noexcept {
        return pointer;
    }
    explicit operator bool() const noexcept {
        return pointer != nullptr;
    }
};

/* ---- cells ---- */

/* An atomic strong<T>, lock-free: every function may overlap with every other, but the destructor. */
template <class T> class cell {
    wr_cell place = {0};

  public:
    constexpr cell() noexcept = default;
    cell(const strong<T> &first) noexcept {
        store(first);
    }
    cell(const cell &) = delete;
    cell &operator=(const cell &) = delete;
    ~cell() {
        wr_cell_store(&place, nullptr);
    }
    [[nodiscard]] strong<T> load() const noexcept {
        return strong<T>::adopt(static_cast<T *>(wr_cell_load(&place)));
    }
    void store(const strong<T> &desired) noexcept {
        wr_cell_store(&place, desired.object());
    }
    strong<T> exchange(const strong<T> &desired) noexcept {
        return strong<T>::adopt(static_cast<T *>(wr_cell_exchange(&place, desired.object())));
    }
    /* As std::atomic's: when false, `expected` is what was there instead. */
    bool compare_exchange_strong(strong<T> &expected, const strong<T> &desired) noexcept {
        for (;;) {
            if (wr_cell_compare_exchange(&place, expected.object(), desired.object()))
                return true;
            strong<T> found = load();
            if (found.object() != expected.object()) {
                expected = std::move(found);
                return false;
            }
        }
    }
    bool compare_exchange_weak(strong<T> &expected, const strong<T> &desired) noexcept {
        return compare_exchange_strong(expected, desired);
    }
    [[nodiscard]] borrowed<T> borrow() const noexcept {
        return borrowed<T>(*this);
    }
    operator strong<T>() const noexcept {
        return load();
    }
    void operator=(const strong<T> &desired) noexcept {
        store(desired);
    }
    bool is_lock_free() const noexcept {
        return true;
    }
    const wr_cell *c_cell() const noexcept {
        return &place;
    }
};

/* An atomic weak<T>. */
template <class T> class weak_cell {
    wr_weak_cell place = {0};

  public:
    constexpr weak_cell() noexcept = default;
    weak_cell(const weak<T> &first) noexcept {
        store(first);
    }
    weak_cell(const weak_cell &) = delete;
    weak_cell &operator=(const weak_cell &) = delete;
    weak<T> load() const noexcept {
        return weak<T>(wr_weak_cell_load(&place));
    }
    void store(const weak<T> &desired) noexcept {
        wr_weak_cell_store(&place, desired.c_value());
    }
    weak<T> exchange(const weak<T> &desired) noexcept {
        return weak<T>(wr_weak_cell_exchange(&place, desired.c_value()));
    }
    bool compare_exchange_strong(weak<T> &expected, const weak<T> &desired) noexcept {
        for (;;) {
            if (wr_weak_cell_compare_exchange(&place, expected.c_value(), desired.c_value()))
                return true;
            weak<T> found = load();
            if (found != expected) {
                expected = found;
                return false;
            }
        }
    }
    [[nodiscard]] strong<T> lock() const noexcept {
        return strong<T>::adopt(static_cast<T *>(wr_weak_cell_get(&place)));
    }
};

/* ---- comparison, order, output: of strong and alias, by what they point to ---- */

namespace detail {
template <class H> struct is_handle : std::false_type {};
template <class T> struct is_handle<strong<T>> : std::true_type {};
template <class T> struct is_handle<alias<T>> : std::true_type {};
template <class A, class B = A>
using if_handles = std::enable_if_t<is_handle<A>::value && is_handle<B>::value, int>;
template <class A, class B> bool less(const A &a, const B &b) noexcept {
    using common = std::common_type_t<typename A::element_type *, typename B::element_type *>;
    return std::less<common>()(a.get(), b.get());
}
} // namespace detail

template <class A, class B, detail::if_handles<A, B> = 0> bool operator==(const A &a, const B &b) noexcept {
    return a.get() == b.get();
}
template <class A, class B, detail::if_handles<A, B> = 0> bool operator!=(const A &a, const B &b) noexcept {
    return a.get() != b.get();
}
template <class A, class B, detail::if_handles<A, B> = 0> bool operator<(const A &a, const B &b) noexcept {
    return detail::less(a, b);
}
template <class A, class B, detail::if_handles<A, B> = 0> bool operator>(const A &a, const B &b) noexcept {
    return detail::less(b, a);
}
template <class A, class B, detail::if_handles<A, B> = 0> bool operator<=(const A &a, const B &b) noexcept {
    return !detail::less(b, a);
}
template <class A, class B, detail::if_handles<A, B> = 0> bool operator>=(const A &a, const B &b) noexcept {
    return !detail::less(a, b);
}
template <class A, detail::if_handles<A> = 0> bool operator==(const A &a, std::nullptr_t) noexcept {
    return !a;
}
template <class A, detail::if_handles<A> = 0> bool operator==(std::nullptr_t, const A &a) noexcept {
    return !a;
}
template <class A, detail::if_handles<A> = 0> bool operator!=(const A &a, std::nullptr_t) noexcept {
    return static_cast<bool>(a);
}
template <class A, detail::if_handles<A> = 0> bool operator!=(std::nullptr_t, const A &a) noexcept {
    return static_cast<bool>(a);
}

template <class T> void swap(strong<T> &a, strong<T> &b) noexcept {
    a.swap(b);
}
template <class T> void swap(weak<T> &a, weak<T> &b) noexcept {
    a.swap(b);
}
template <class T> void swap(alias<T> &a, alias<T> &b) noexcept {
    a.swap(b);
}

/* For containers whose keys are owners. */
struct owner_less {
    using is_transparent = void;
    template <class A, class B> bool operator()(const A &a, const B &b) const noexcept {
        return a.owner_before(b);
    }
};

template <class Char, class Traits, class H, detail::if_handles<H> = 0>
std::basic_ostream<Char, Traits> &operator<<(std::basic_ostream<Char, Traits> &out, const H &handle) {
    return out << static_cast<const void *>(handle.get());
}

static_assert(sizeof(strong<int>) == sizeof(void *) && sizeof(weak<int>) == 8, "handles are what C has");
static_assert(std::is_trivially_copyable_v<weak<int>>, "a weak can be copied as bytes");

} // namespace wr

template <class T> struct std::hash<wr::strong<T>> {
    std::size_t operator()(const wr::strong<T> &key) const noexcept {
        return std::hash<T *>()(key.get());
    }
};
template <class T> struct std::hash<wr::alias<T>> {
    std::size_t operator()(const wr::alias<T> &key) const noexcept {
        return std::hash<T *>()(key.get());
    }
};
template <class T> struct std::hash<wr::weak<T>> {
    std::size_t operator()(const wr::weak<T> &key) const noexcept {
        return std::hash<std::uint64_t>()(key.to_u64());
    }
};

#endif /* WEAKRT_HPP */
