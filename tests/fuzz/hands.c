/* SPDX-License-Identifier: MIT */
#include "hands.h"

#include <pthread.h>
#include <stdlib.h>

#include "oracle.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct hand {
    pthread_t thread;
    pthread_cond_t turn;
    void (*job)(void); /* guarded by the lock; NULL: done */
    bool started;
};
static struct hand hands[MAX_THREADS];

static void *wait_for_jobs(void *arg) {
    struct hand *hand = arg;
    (void)pthread_mutex_lock(&lock);
    for (;;) {
        while (hand->job == NULL)
            (void)pthread_cond_wait(&hand->turn, &lock);
        (void)pthread_mutex_unlock(&lock);
        hand->job();
        (void)pthread_mutex_lock(&lock);
        hand->job = NULL;
        (void)pthread_cond_signal(&hand->turn);
    }
    return NULL;
}

void hand_to(unsigned thread, void (*fn)(void)) {
    if (thread == 0) {
        fn();
        return;
    }
    struct hand *hand = &hands[thread];
    if (!hand->started) {
        hand->started = true;
        (void)pthread_cond_init(&hand->turn, NULL);
        if (pthread_create(&hand->thread, NULL, wait_for_jobs, hand) != 0)
            abort();
    }
    (void)pthread_mutex_lock(&lock);
    hand->job = fn;
    (void)pthread_cond_signal(&hand->turn);
    while (hand->job != NULL)
        (void)pthread_cond_wait(&hand->turn, &lock);
    (void)pthread_mutex_unlock(&lock);
}
