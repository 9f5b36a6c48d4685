/* SPDX-License-Identifier: MIT */
/* Children of fork that check something and end by _exit(0). */
#ifndef WR_TESTS_CHILD_H
#define WR_TESTS_CHILD_H

#include "common.h"

#include <sys/wait.h>
#include <unistd.h>

/* In a child: a hang guard; and what the absent threads had is lost here, which is no leak. */
static inline void be_a_child(void) {
    test_timeout(TEST_TIMEOUT_DEFAULT);
#ifdef VALGRIND_CLO_CHANGE
    VALGRIND_CLO_CHANGE("--leak-check=no");
#endif
}

/* Wait for a child that must have ended by _exit(0). A child that hangs is ended by its own alarm. */
static inline void child_was_good(pid_t child) {
    int status = -1;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL("the child ended with status %#x", (unsigned)status);
}

#endif
