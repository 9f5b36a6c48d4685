/* SPDX-License-Identifier: MIT */
/* Runs the C++ tests, one after the other, in this process; each must leave nothing alive. */
#include "check.hpp"

#include <cstdio>

static test *first;
static std::atomic<int> failures;

test::test(const char *n, void (*b)()) : name(n), body(b), next(first) {
    first = this;
}

void check(bool held, const char *text, const char *file, int line) {
    if (held)
        return;
    failures++;
    std::fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, text);
}

int main() {
    int passed = 0, failed = 0;
    for (test *t = first; t != nullptr; t = t->next) {
        int before = failures;
        t->body();
        CHECK(counted::alive == 0);
        if (failures == before) {
            passed++;
        } else {
            failed++;
            std::printf("FAIL %s\n", t->name);
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
