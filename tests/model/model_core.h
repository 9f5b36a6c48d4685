/* SPDX-License-Identifier: MIT */
/*
 * Put before every source of the library that the checker runs (-include): small sizes, and the few functions of
 * pthread.h and of the system that it uses by the checker's. What os.h, lock.h and alloc.h declare is defined in neighbours.c.
 */
#ifndef WR_MODEL_CORE_H
#define WR_MODEL_CORE_H

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WR_ATOMIC_H "model_atomic.h"
#define WR_CHUNK_BYTES 256u  /* four slots of the smallest class; in the first chunk three */
#define WR_RESERVE_CHUNKS 8u /* all the models use */
#define WR_SPINS 1           /* one look is as good as many */

int model_once(pthread_once_t *once, void (*function)(void));
int model_key_create(pthread_key_t *key, void (*destructor)(void *));
int model_setspecific(pthread_key_t key, const void *value);

/* A descriptor is a flag: written, it is readable; read, it is not. */
int model_eventfd(unsigned count, int flags);
int model_pipe(int ends[2]);
ssize_t model_fd_write(int fd, const void *bytes, size_t size);
ssize_t model_fd_read(int fd, void *bytes, size_t size);
int model_fd_close(int fd);

#define eventfd model_eventfd
#define pipe model_pipe
#define write model_fd_write
#define read model_fd_read
#define close model_fd_close

#define pthread_once model_once
#define pthread_key_create model_key_create
#define pthread_setspecific model_setspecific

#endif /* WR_MODEL_CORE_H */
