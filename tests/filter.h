/* SPDX-License-Identifier: MIT */
/* A process that may not make a system call any more, as under many filters. */
#ifndef WR_TESTS_FILTER_H
#define WR_TESTS_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#if defined __linux__ && __has_include(<linux/seccomp.h>) /* not every C library brings them */
#define CAN_FILTER
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CALL_REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define CALL_IS_THE_END SECCOMP_RET_KILL

/* From here on, for good, a system call is refused, or ends the process. Returns false: there are no filters here. */
static inline bool filter_call(unsigned number, unsigned what) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, what),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
#define SYS_futex 0
#define CALL_REFUSED 0
#define CALL_IS_THE_END 0
static inline bool filter_call(unsigned number, unsigned what) {
    (void)number, (void)what;
    return false;
}
#endif

#endif
