/* SPDX-License-Identifier: MIT */
/* Misuse that was noticed: one line, then the handler, then abort. */
#ifndef WR_FATAL_H
#define WR_FATAL_H

/* Report `format` and abort. */
_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* Report that `function` was called on `obj`, an object or what was one, against `rule`; names its type, and where
 * references to it are recorded (holders.h), who holds or held it. */
_Noreturn void fatal_object(const char *function, const void *obj, const char *rule) __attribute__((cold));

/* Report the same, with no word on who holds the object: the rule has it. */
_Noreturn void fatal_object_only(const char *function, const void *obj, const char *rule)
    __attribute__((cold));

#endif /* WR_FATAL_H */
