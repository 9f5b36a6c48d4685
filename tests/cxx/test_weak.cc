/* SPDX-License-Identifier: MIT */
/* wr::weak, borrowed and the cells beside what the standard says of weak_ptr ([util.smartptr.weak]) and of
 * atomic<shared_ptr>. */
#include "check.hpp"

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>

namespace {

struct base {};
struct derived : base {};
static_assert(std::is_convertible_v<wr::weak<derived>, wr::weak<base>>);
static_assert(std::is_convertible_v<wr::strong<derived>, wr::weak<const base>>);
static_assert(!std::is_convertible_v<wr::weak<base>, wr::weak<derived>>);
static_assert(std::is_trivially_copyable_v<wr::weak<base>> &&
              std::is_trivially_destructible_v<wr::weak<base>>);
static_assert(!std::is_copy_constructible_v<wr::borrowed<base>> &&
              !std::is_move_constructible_v<wr::borrowed<base>>);
static_assert(!std::is_copy_constructible_v<wr::cell<base>>);

TEST(empty_weak_is_expired) {
    wr::weak<int> w, from_empty = wr::strong<int>();
    CHECK(w.expired() && !w.lock() && w.use_count() == 0 && from_empty == w && w.to_u64() == 0);
    w.reset();
    wr::weak<int> copy = w;
    CHECK(copy.expired());
}

TEST(lock_gives_the_object_while_it_lives) {
    auto a = wr::make<counted>(3);
    wr::weak<counted> w = a, copy = w;
    CHECK(!w.expired() && w.use_count() == 1 && a.use_count() == 1);
    {
        wr::strong<counted> held = w.lock();
        CHECK(held == a && a.use_count() == 2 && w.use_count() == 2);
        wr::strong<counted> thrown(copy);
        CHECK(thrown == a);
    }
    a.reset();
    CHECK(counted::alive == 0 && w.expired() && copy.expired() && !w.lock() && w.use_count() == 0);
}

TEST(strong_of_a_dead_weak_throws_bad_weak_ptr) {
    wr::weak<counted> w = wr::make<counted>();
    bool caught = false;
    try {
        wr::strong<counted> never(w);
    } catch (const std::bad_weak_ptr &) {
        caught = true;
    }
    CHECK(caught);
}

TEST(weak_travels_as_64_bits) {
    auto a = wr::make<counted>(3);
    uint64_t bits = wr::weak<counted>(a).to_u64(), copied;
    std::memcpy(&copied, &bits, sizeof bits);
    CHECK(wr::weak<counted>::from_u64(copied).lock() == a);
    CHECK(wr_weak_get(wr_weak_from_u64(bits)) == a.get());
    wr_release(a.object());
    a.reset();
    CHECK(wr::weak<counted>::from_u64(copied).expired());
    auto next = wr::make<counted>(4); /* in the same memory, as a rule */
    CHECK(!wr::weak<counted>::from_u64(copied).lock());
}

TEST(weak_is_assigned_swapped_and_converted) {
    auto a = wr::make<derived>(), b = wr::make<derived>();
    wr::weak<derived> x = a, y = b;
    swap(x, y);
    CHECK(x.lock() == b && y.lock() == a);
    wr::weak<base> up = x;
    CHECK(up.lock() == b);
    up = a;
    CHECK(up.lock() == a);
    x = y;
    CHECK(x == y && !(x < y));
    x.reset();
    CHECK(x.expired() && x != y);
}

TEST(owner_order_is_one_for_strong_and_weak) {
    auto a = wr::make<counted>(1), b = wr::make<counted>(2);
    wr::weak<counted> wa = a, wb = b;
    CHECK(a.owner_before(b) != b.owner_before(a));
    CHECK(!a.owner_before(wa) && !wa.owner_before(a));
    CHECK(a.owner_before(b) == wa.owner_before(wb) && a.owner_before(b) == a.owner_before(wb) &&
          a.owner_before(b) == wa.owner_before(b));
    wr::strong<const counted> c = a;
    CHECK(!c.owner_before(a) && !a.owner_before(c));
    std::map<wr::weak<counted>, int, wr::owner_less> map;
    map[wa] = 1;
    map[wb] = 2;
    CHECK(map.find(a)->second == 1 && map.find(b)->second == 2);
    b.reset();
    CHECK(map.find(wb)->second == 2 && map.size() == 2); /* dead keys keep their place */
    std::unordered_set<wr::weak<counted>> set{wa, wb, wa};
    CHECK(set.size() == 2 && set.count(a) == 1);
}

struct node {
    counted life;
    wr::weak<node> at_birth;
    node() : at_birth(wr::weak_from(this)) {
    }
    wr::strong<node> me() {
        return wr::strong_from(this);
    }
    wr::weak<const node> weak_me() const {
        return wr::weak_from(this);
    }
};
TEST(object_finds_handles_to_itself) {
    auto a = wr::make<node>();
    CHECK(a->me() == a && a->weak_me().lock() == a && a->at_birth.lock() == a);
    CHECK(a.use_count() == 1);
}

TEST(killed_object_is_dead_for_weak_and_alive_for_strong) {
    auto a = wr::make<counted>(1);
    wr::weak<counted> w = a;
    CHECK(wr::kill(a) && !wr::kill(a) && w.expired() && a->value == 1 && wr::weak<counted>(a).expired());
}

TEST(borrow_keeps_the_destructor_away) {
    auto a = wr::make<counted>(5);
    wr::weak<counted> w = a;
    {
        wr::borrowed<counted> b = w.borrow();
        CHECK(b && b->value == 5 && (*b).value == 5);
        a.reset();
        CHECK(b->value == 5 && counted::alive == 1);
    }
    CHECK(counted::alive == 0 && !w.borrow());
}

TEST(cell_is_an_atomic_strong) {
    wr::cell<counted> cell;
    CHECK(!cell.load() && cell.is_lock_free());
    auto a = wr::make<counted>(1), b = wr::make<counted>(2);
    cell = a;
    CHECK(a.use_count() == 2 && cell.load() == a && cell.borrow()->value == 1);
    wr::strong<counted> expected = b;
    CHECK(!cell.compare_exchange_strong(expected, b) && expected == a);
    CHECK(cell.compare_exchange_strong(expected, b));
    expected.reset();
    CHECK(a.use_count() == 1 && cell.exchange(nullptr) == b && !cell.load());
    cell.store(a);
    wr::strong<counted> read = cell;
    CHECK(read == a);
    a.reset();
    b.reset();
    read.reset();
    CHECK(counted::alive == 1); /* the cell's, which its destructor ends */
}

TEST(weak_cell_is_an_atomic_weak) {
    auto a = wr::make<counted>(1), b = wr::make<counted>(2);
    wr::weak_cell<counted> cell(a);
    CHECK(cell.lock() == a && cell.load() == wr::weak<counted>(a));
    wr::weak<counted> expected = b;
    CHECK(!cell.compare_exchange_strong(expected, b) && expected.lock() == a);
    CHECK(cell.compare_exchange_strong(expected, b) && cell.exchange(nullptr).lock() == b && !cell.lock());
}

} // namespace
