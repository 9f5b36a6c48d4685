/* SPDX-License-Identifier: MIT */
/*
 * What there is to see while a scenario runs: on a terminal a few lines that are kept up to date, how fast it goes,
 * which of its paths it has yet to take, its own counters, and which workers stand still; elsewhere a line now and
 * then.
 */
#ifndef STRESS_VIEW_H
#define STRESS_VIEW_H

/* Look at the workers, and show what there is if it is due: by the thread that watches, at `now` seconds. */
void view_tick(double now);

/* Take the lines off the terminal, if there is one, so that others can be printed. */
void view_clear(void);

#endif /* STRESS_VIEW_H */
