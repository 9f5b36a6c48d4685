/* SPDX-License-Identifier: MIT */
/* wr::strong, make and alias beside what the standard says of shared_ptr ([util.smartptr.shared]). */
#include "check.hpp"

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>

namespace {

struct base {
    int b = 1;
};
struct derived : base {
    counted life;
    int d = 2;
};
struct other {
    int o = 3;
};
struct both : base, other {
    counted life;
};
struct shape {
    virtual ~shape() = default;
    virtual int sides() const = 0;
};
struct square final : shape {
    counted life;
    int sides() const override {
        return 4;
    }
};
struct left : virtual shape {};
struct late : other, shape {
    int sides() const override {
        return 0;
    }
};

template <class From, class To>
constexpr bool converts = std::is_convertible_v<wr::strong<From>, wr::strong<To>>;
static_assert(converts<derived, base> && converts<derived, const base> && converts<derived, void>);
static_assert(converts<square, shape> && converts<both, base>);
static_assert(!converts<base, derived> && !converts<const base, base> && !converts<base, other>);
static_assert(!converts<both, other>, "it does not start there");
static_assert(!converts<late, other>, "the one with virtual functions comes first");
static_assert(!converts<left, shape>, "a virtual base is found by looking");
static_assert(std::is_convertible_v<wr::strong<both>, wr::alias<other>>);
static_assert(!std::is_convertible_v<wr::weak<int>, wr::strong<int>>, "it may throw: say it");
static_assert(!std::is_convertible_v<int *, wr::strong<int>>, "not any pointer is an object");
static_assert(std::is_nothrow_move_constructible_v<wr::strong<int>> &&
              std::is_nothrow_copy_constructible_v<wr::strong<int>>);
static_assert(std::is_nothrow_default_constructible_v<wr::strong<int>>);

TEST(empty_strong_points_to_nothing) {
    wr::strong<int> a, b(nullptr), c = nullptr;
    CHECK(!a && a.get() == nullptr && a.use_count() == 0 && a == nullptr && nullptr == b);
    CHECK(!(a != nullptr) && a == c);
    a.reset();
    wr::strong<int> copy(a), moved(std::move(b));
    CHECK(!copy && !moved);
}

TEST(make_constructs_once_and_destroys_once) {
    {
        wr::strong<counted> a = wr::make<counted>(7);
        CHECK(a && a->value == 7 && (*a).value == 7 && a.use_count() == 1 && counted::alive == 1);
    }
    CHECK(counted::alive == 0);
    auto text = wr::make<std::string>(100, 'x');
    CHECK(text->size() == 100);
    auto constant = wr::make<const int>(5);
    CHECK(*constant == 5);
}

TEST(copies_share_and_moves_take) {
    auto a = wr::make<counted>(1);
    wr::strong<counted> b(a);
    CHECK(a.use_count() == 2 && b == a);
    wr::strong<counted> c(std::move(b));
    CHECK(a.use_count() == 2 && !b && c == a);
    wr::strong<counted> d;
    d = c;
    CHECK(a.use_count() == 3);
    d = std::move(c);
    CHECK(a.use_count() == 2 && !c && d == a);
    d = nullptr;
    CHECK(a.use_count() == 1);
    a = wr::make<counted>(2);
    CHECK(counted::alive == 1 && a->value == 2);
    a.reset();
    CHECK(counted::alive == 0 && !a);
}

TEST(assignment_to_itself_changes_nothing) {
    auto a = wr::make<counted>(1);
    auto &same = a;
    a = same;
    CHECK(a.use_count() == 1 && a->value == 1);
    a = std::move(same);
    CHECK(a && a.use_count() == 1 && counted::alive == 1);
    wr::alias<counted> alias(a, a.get());
    auto &same_alias = alias;
    alias = std::move(same_alias);
    CHECK(alias && a.use_count() == 2);
    auto weak = wr::weak<counted>(a);
    auto &same_weak = weak;
    weak = std::move(same_weak);
    CHECK(!weak.expired());
}

struct chain {
    counted life;
    wr::strong<chain> next;
};
TEST(what_is_assigned_from_inside_of_what_dies_is_safe) {
    auto head = wr::make<chain>();
    head->next = wr::make<chain>();
    head->next->next = wr::make<chain>();
    head = head->next;
    CHECK(counted::alive == 2);
    head = std::move(head->next);
    CHECK(counted::alive == 1 && head && !head->next);
}

TEST(bases_in_the_same_place_convert) {
    auto d = wr::make<derived>();
    wr::strong<base> b = d;
    CHECK(d.use_count() == 2 && b->b == 1 && b == d);
    wr::strong<const base> c = std::move(b);
    CHECK(!b && c.use_count() == 2);
    wr::strong<void> v = c ? wr::strong<void>(d) : nullptr;
    CHECK(v.get() == d.get());
    c = nullptr;
    v = nullptr;
    b = d;
    d.reset();
    CHECK(counted::alive == 1);
    auto again = wr::static_pointer_cast<derived>(b);
    CHECK(again->d == 2 && again.use_count() == 2);
    again.reset();
    b.reset(); /* the destructor of derived, though that of base is not virtual */
    CHECK(counted::alive == 0);
}

TEST(virtual_functions_are_called_through_the_base) {
    wr::strong<shape> s = wr::make<square>();
    CHECK(s->sides() == 4 && counted::alive == 1);
    wr::alias<square> back = wr::dynamic_pointer_cast<square>(s);
    CHECK(back && s.use_count() == 2 && !wr::dynamic_pointer_cast<late>(s));
}

TEST(other_bases_are_reached_by_an_alias) {
    auto x = wr::make<both>();
    wr::alias<other> o = x;
    CHECK(o->o == 3 && x.use_count() == 2 && static_cast<void *>(o.get()) != x.get());
    wr::weak_alias<other> w = o;
    x.reset();
    CHECK(counted::alive == 1 && w.lock()->o == 3 && o.object() != static_cast<void *>(o.get()));
    o.reset();
    CHECK(counted::alive == 0 && w.expired() && !w.lock() && w.use_count() == 0);
}

TEST(alias_keeps_the_owner_of_what_it_points_into) {
    auto c = wr::make<counted>(9);
    wr::alias<int> value(c, &c->value), copy = value;
    c.reset();
    CHECK(*value == 9 && counted::alive == 1 && value.use_count() == 2 && copy == value);
    CHECK(!value.owner_before(copy) && !copy.owner_before(value));
    wr::alias<int> moved = std::move(copy);
    CHECK(!copy && copy.use_count() == 0 && moved == value);
    moved = value = nullptr;
    CHECK(counted::alive == 0);
}

TEST(const_casts_share) {
    auto c = wr::make<const counted>(3);
    auto plain = wr::const_pointer_cast<counted>(c);
    plain->value = 4;
    CHECK(c->value == 4 && c.use_count() == 2);
}

TEST(swap_and_order_and_keys) {
    auto a = wr::make<counted>(1), b = wr::make<counted>(2);
    auto *first = a.get();
    swap(a, b);
    CHECK(b.get() == first && a != b && (a < b) != (b < a) && (a <= b) == !(b < a) && (a > b) == (b < a) &&
          a >= a);
    std::unordered_map<wr::strong<counted>, int> map;
    map[a] = 1;
    map[b] = 2;
    CHECK(map.at(a) == 1 && map.at(b) == 2 && map.count(nullptr) == 0);
    std::set<wr::strong<counted>> set{a, b, a};
    CHECK(set.size() == 2);
    std::set<wr::strong<counted>, wr::owner_less> owners{a, b, a};
    CHECK(owners.size() == 2);
    CHECK(std::hash<wr::strong<counted>>()(a) == std::hash<counted *>()(a.get()));
}

TEST(output_is_the_address) {
    auto a = wr::make<int>(1);
    std::ostringstream handle, pointer;
    handle << a;
    pointer << static_cast<const void *>(a.get());
    CHECK(handle.str() == pointer.str());
}

TEST(references_of_c_are_adopted_and_given_back) {
    auto a = wr::make<counted>(1);
    auto *held = static_cast<counted *>(wr_retain(a.object()));
    auto adopted = wr::strong<counted>::adopt(held);
    CHECK(a.use_count() == 2);
    auto shared = wr::strong<counted>::share(held);
    CHECK(a.use_count() == 3);
    wr_release(adopted.detach());
    CHECK(!adopted && a.use_count() == 2);
    CHECK(wr_type_of(a.object()) == &wr::type_of<counted> &&
          std::string(wr_type_of(a.object())->name) == "counted");
}

wr::strong<struct thrower> leaked;
wr::weak<struct thrower> early;
struct thrower {
    static inline int destroyed = 0;
    static inline int finalized = 0;
    counted member;
    thrower(bool leak, bool fail) {
        early = wr::weak_from(this);
        CHECK(!early.expired());
        if (leak)
            leaked = wr::strong_from(this);
        if (fail)
            throw std::runtime_error("no");
    }
    ~thrower() {
        destroyed++;
    }
    void wr_finalize() {
        finalized++;
    }
};
TEST(constructor_that_throws_leaves_nothing) {
    thrower::destroyed = thrower::finalized = 0;
    for (bool leak : {false, true}) {
        bool caught = false;
        try {
            auto never = wr::make<thrower>(leak, true);
        } catch (const std::runtime_error &) {
            caught = true;
        }
        CHECK(caught && counted::alive == 0 && early.expired() && !early.lock());
    }
    leaked.reset(); /* the last to hold what was never made */
    CHECK(thrower::destroyed == 0 && thrower::finalized == 0);
    auto good = wr::make<thrower>(false, false);
    CHECK(early.lock() == good);
    good.reset();
    CHECK(thrower::destroyed == 1 && thrower::finalized == 1);
}

struct careless {
    wr::weak<careless> self_at_end;
    ~careless() {
        try {
            auto never = wr::make<thrower>(false, true); /* dies inside a death */
        } catch (const std::runtime_error &) {
        }
        CHECK(wr::weak_from(this).expired());
    }
};
TEST(constructor_that_throws_inside_a_destructor_leaves_nothing) {
    thrower::destroyed = 0;
    wr::make<careless>().reset();
    CHECK(thrower::destroyed == 0);
}

struct valued {
    static constexpr const char *wr_name = "valued";
    static constexpr uint32_t wr_flags = WR_BORROWABLE;
    int value;
    bool wr_equal(const valued &o) const {
        return value == o.value;
    }
    uint64_t wr_hash() const {
        return static_cast<uint64_t>(value);
    }
};
TEST(type_says_more_of_itself_by_members) {
    auto a = wr::make<valued>(valued{5}), b = wr::make<valued>(valued{5}), c = wr::make<valued>(valued{6});
    uint64_t hash = 0;
    CHECK(wr_equal(a.object(), b.object()) == 1 && wr_equal(a.object(), c.object()) == 0);
    CHECK(wr_hash(c.object(), &hash) == 0 && hash == 6);
    const wr_type *type = wr_type_of(a.object());
    CHECK(type->flags == WR_BORROWABLE && std::string(type->name) == "valued" && type->destroy == nullptr);
}

} // namespace
