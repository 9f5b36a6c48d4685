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

static void write_server(FILE *f) {
    (void)fprintf(f, "redis_mode:standalone\r\nprocess_id:%ld\r\nhold:%s\r\nthreads:%u\r\n", (long)getpid(),
                  hold_name, loops_count());
}

static void write_clients(FILE *f) {
    (void)fprintf(f, "connected_clients:%" PRIu64 "\r\n", counted(ACCEPTED) - counted(CLOSED));
}

static void write_counters(FILE *f) {
    for (int i = 0; i < COUNTER_COUNT; i++)
        (void)fprintf(f, "%s:%" PRIu64 "\r\n", counter_names[i], counted(i));
}

static const struct section {
    const char *name;
    void (*write)(FILE *f);
} sections[] = {
    {"Server", write_server}, {"Clients", write_clients}, {"Stats", write_counters}, {"Hold", hold_info}};

static bool is_wanted(const struct section *section, const struct arg *args, size_t count) {
    bool wanted = count == 1;
    for (size_t i = 1; i < count; i++)
        wanted |= arg_is(&args[i], section->name) || arg_is(&args[i], "default") || arg_is(&args[i], "all") ||
                  arg_is(&args[i], "everything");
    return wanted;
}

static void write_metrics(FILE *f) {
    for (int i = 0; i < COUNTER_COUNT; i++)
        (void)fprintf(f, "# TYPE broker_%s_total counter\nbroker_%s_total %" PRIu64 "\n", counter_names[i],
                      counter_names[i], counted(i));
    hold_metrics(f);
}

/* INFO [section ...] */
void command_info(struct conn *conn, const struct arg *args, size_t count) {
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    const char *between = "";
    for (size_t i = 0; f != NULL && i < sizeof sections / sizeof sections[0]; i++) {
        if (!is_wanted(&sections[i], args, count))
            continue;
        (void)fprintf(f, "%s# %s\r\n", between, sections[i].name);
        sections[i].write(f);
        between = "\r\n";
    }
    if (f == NULL || fclose(f) != 0)
        buf_addf(&conn->reply, "-ERR out of memory\r\n");
    else
        resp_bulk(&conn->reply, text, len);
    free(text);
}

/* GET /metrics HTTP/1.1, as a line of words: the lines that follow are not read. */
void command_http(struct conn *conn, const struct arg *args, size_t count) {
    (void)count;
    char *text = NULL;
    size_t len = 0;
    FILE *f = arg_is(&args[1], "/metrics") ? open_memstream(&text, &len) : NULL;
    if (f != NULL)
        write_metrics(f);
    if (f == NULL || fclose(f) != 0) {
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
