/* SPDX-License-Identifier: MIT */
/* Handles of several threads on one object: what the standard allows of shared_ptr, and cells. */
#include "check.hpp"

#include <stdexcept>
#include <thread>
#include <vector>

namespace {

const int rounds = 2000;

template <class F> void on_threads(int n, F f) {
    std::vector<std::thread> threads;
    std::atomic<int> ready{0};
    for (int i = 0; i < n; i++)
        threads.emplace_back([&, i] {
            ready++;
            while (ready < n)
                std::this_thread::yield();
            f(i);
        });
    for (auto &thread : threads)
        thread.join();
}

TEST(threads_copy_and_drop_handles_of_their_own) {
    auto a = wr::make<counted>(1);
    std::vector<wr::strong<counted>> own(4, a);
    on_threads(4, [&](int i) {
        wr::strong<counted> mine = std::move(own[static_cast<size_t>(i)]);
        for (int n = 0; n < rounds; n++) {
            wr::strong<counted> copy = mine;
            wr::weak<counted> weak = copy;
            CHECK(weak.lock() == mine);
        }
    });
    CHECK(a.use_count() == 1);
}

TEST(lock_against_the_last_release_gives_the_object_or_nothing) {
    for (int n = 0; n < rounds / 4; n++) {
        auto a = wr::make<counted>(n);
        wr::weak<counted> w = a;
        on_threads(2, [&](int i) {
            if (i == 0) {
                a.reset();
            } else if (auto held = w.lock()) {
                CHECK(held->value == n);
            } else {
                CHECK(w.expired());
            }
        });
        CHECK(counted::alive == 0 && w.expired());
    }
}

TEST(cells_are_read_while_they_are_written) {
    wr::cell<counted> cell(wr::make<counted>(0));
    wr::weak_cell<counted> weak(cell.load());
    on_threads(4, [&](int i) {
        for (int n = 0; n < rounds; n++) {
            if (i < 2) {
                auto next = wr::make<counted>(n);
                wr::strong<counted> expected = cell.load();
                if (i == 0)
                    cell.store(next);
                else
                    cell.compare_exchange_strong(expected, next);
                weak.store(next);
            } else {
                auto seen = cell.load();
                CHECK(seen && seen->value >= 0);
                if (auto b = cell.borrow())
                    CHECK(b->value >= 0);
                if (auto w = weak.lock())
                    CHECK(w->value >= 0);
            }
        }
    });
}

struct half {
    counted member;
    explicit half(wr::weak_cell<half> &out) {
        out.store(wr::weak_from(this));
        throw std::runtime_error("no");
    }
    ~half() {
        CHECK(false);
    }
};
TEST(threads_that_hold_what_was_never_made_do_not_destroy_it) {
    wr::weak_cell<half> seen;
    on_threads(2, [&](int i) {
        for (int n = 0; n < rounds; n++) {
            if (i == 0) {
                try {
                    auto never = wr::make<half>(seen);
                } catch (const std::runtime_error &) {
                }
            } else {
                auto held = seen.lock();
            }
        }
    });
    CHECK(seen.load().expired());
}

} // namespace
