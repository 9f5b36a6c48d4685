/* SPDX-License-Identifier: MIT */
/* Guests: objects that signal handlers and children of fork use, and no scenario. */
#ifndef STRESS_PERTURB_GUESTS_H
#define STRESS_PERTURB_GUESTS_H

#include <stdbool.h>

/* Make some and end some: by the thread that watches. */
void guests_turn(void);

/* End all. */
void guests_leave(void);

/* Look some up, check what came, and let go of it later: in a signal handler. */
void guests_look(void);

/* Use all, and ones of its own: in a child. Returns whether all was as it should be. */
bool guests_are_sound(void);

/* A violation, with a number. */
_Noreturn void guests_wrong(const char *what, int number);

#endif /* STRESS_PERTURB_GUESTS_H */
