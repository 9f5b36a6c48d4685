/* SPDX-License-Identifier: MIT */
/*
 * Put before every source of the library that the checker runs (-include): small sizes, and the few functions of the
 * system that it calls itself by the checker's. What os.h, lock.h and alloc.h declare is defined in neighbours.c.
 */
#ifndef WR_MODEL_CORE_H
#define WR_MODEL_CORE_H

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WR_ATOMIC_H "model_atomic.h"
#define WR_CHUNK_BYTES 256u  /* four slots of the smallest class; in the first chunk three */
#define WR_RESERVE_CHUNKS 8u /* all the models use */
#define WR_SPINS 1           /* one look is as good as many */
#define WR_FEW 2u            /* a table splits its first bucket when a second entry comes */
#define WR_MOST model_most
#define WR_PLACES 1u /* and one of its like finds no place */
#define WR_HAZARDS 4u
#define WR_HAZARDS_NEAR 1u /* so that there are far ones */
#define WR_THIS_MAKER ((struct maker *)model_maker())

int model_once(pthread_once_t *once, void (*function)(void));
int model_key_create(pthread_key_t *key, void (*destructor)(void *));
int model_setspecific(pthread_key_t key, const void *value);

extern unsigned model_most; /* entries for each bucket: 1, unless the setup says more */

void *model_maker(void); /* of the thread */
int model_yield(void);
int model_eventfd(void);
ssize_t model_fd_read(int fd, void *buffer, size_t size);
ssize_t model_fd_write(int fd, const void *buffer, size_t size);
int model_fd_close(int fd);

#define sched_yield() model_yield()
#define eventfd(value, flags) model_eventfd()
#define read(fd, buffer, size) model_fd_read(fd, buffer, size)
#define write(fd, buffer, size) model_fd_write(fd, buffer, size)
#define close(fd) model_fd_close(fd)

#define pthread_once model_once
#define pthread_key_create model_key_create
#define pthread_setspecific model_setspecific

#endif /* WR_MODEL_CORE_H */
