/* SPDX-License-Identifier: MIT */
/* Counters, for people (INFO) and for Prometheus (GET /metrics, as HTTP on the same port). */
#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "loop.h"

#define COUNTER_NAME(id, name) name,
static const char *const counter_names[COUNTER_COUNT] = {COUNTERS(COUNTER_NAME)};
#undef COUNTER_NAME

atomic_uint_fast64_t counters[COUNTER_COUNT];

static void write_info(FILE *f) {
    (void)fprintf(f, "# Server\r\nredis_mode:standalone\r\nprocess_id:%ld\r\nhold:%s\r\nthreads:%u\r\n",
                  (long)getpid(), hold_name, loops_count());
    (void)fprintf(f, "\r\n# Clients\r\nconnected_clients:%" PRIu64 "\r\n\r\n# Stats\r\n",
                  counted(ACCEPTED) - counted(CLOSED));
    for (int i = 0; i < COUNTER_COUNT; i++)
        (void)fprintf(f, "%s:%" PRIu64 "\r\n", counter_names[i], counted(i));
    (void)fprintf(f, "\r\n# Hold\r\n");
    hold_info(f);
}

static void write_metrics(FILE *f) {
    for (int i = 0; i < COUNTER_COUNT; i++)
        (void)fprintf(f, "# TYPE broker_%s_total counter\nbroker_%s_total %" PRIu64 "\n", counter_names[i],
                      counter_names[i], counted(i));
    hold_metrics(f);
}

/* What a writer writes, for the caller to free; NULL: no memory. */
static char *text_of(void (*write)(FILE *f), size_t *len) {
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    if (f == NULL)
        return NULL;
    write(f);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

void command_info(struct conn *conn, const struct arg *args, size_t count) {
    (void)args, (void)count; /* all sections, whatever was asked for */
    size_t len = 0;
    char *text = text_of(write_info, &len);
    if (text == NULL)
        buf_addf(&conn->reply, "-ERR out of memory\r\n");
    else
        resp_bulk(&conn->reply, text, len);
    free(text);
}

/* GET /metrics HTTP/1.1, as a line of words: the lines that follow are not read. */
void command_http(struct conn *conn, const struct arg *args, size_t count) {
    (void)count;
    size_t len = 0;
    char *text = arg_is(&args[1], "/metrics") ? text_of(write_metrics, &len) : NULL;
    if (text == NULL) {
        buf_addf(&conn->reply, "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    } else {
        buf_addf(&conn->reply,
                 "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\n\r\n",
                 len);
        buf_add(&conn->reply, text, len);
    }
    free(text);
    conn_finish(conn);
}
