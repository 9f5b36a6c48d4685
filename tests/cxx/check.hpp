/* SPDX-License-Identifier: MIT */
/* What the C++ tests are written with: TEST(name) { ... CHECK(...) ... } in any file of this folder. */
#ifndef TESTS_CXX_CHECK_HPP
#define TESTS_CXX_CHECK_HPP

#include <weakrt.hpp>

#include <atomic>

struct test {
    const char *name;
    void (*body)();
    test *next;
    test(const char *name, void (*body)());
};

/* Counts a failure and says where; usable on any thread. */
void check(bool held, const char *text, const char *file, int line);

#define TEST(name)                                                                                           \
    static void name();                                                                                      \
    static test register_##name(#name, name);                                                                \
    static void name()
#define CHECK(...) check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

/* Something that counts how many of it there are. */
struct counted {
    static inline std::atomic<int> alive{0};
    int value;
    explicit counted(int v = 0) noexcept : value(v) {
        alive++;
    }
    counted(const counted &) = delete;
    counted &operator=(const counted &) = delete;
    ~counted() {
        alive--;
    }
};

#endif
