/* SPDX-License-Identifier: MIT */
/* A publish/subscribe broker that speaks the Redis protocol, on several event loops. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "listener.h"
#include "loop.h"
#include "signals.h"
#include "topics.h"

static const char usage[] =
    "usage: broker [options]\n"
    "  --port N           listen there; 0: any that is free (6379)\n"
    "  --bind ADDRESS     of the interface (127.0.0.1)\n"
    "  --threads N        event loops, 1 to 64 (2)\n"
    "  --output-limit N   bytes that wait for a client before it is disconnected (8388608)\n"
    "  --help\n";

static long number_of(const char *option, const char *text, long min, long max) {
    long n;
    if (resp_number(text, strlen(text), &n) == 0 && n >= min && n <= max)
        return n;
    (void)fprintf(stderr, "broker: --%s wants a number from %ld to %ld\n", option, min, max);
    exit(2);
}

static int fail(const char *what, int error) {
    (void)fprintf(stderr, "broker: %s: %s\n", what, uv_strerror(error));
    return 1;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},    {"bind", required_argument, NULL, 'b'},
        {"threads", required_argument, NULL, 't'}, {"output-limit", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},          {0}};
    int port = 6379, option;
    unsigned threads = 2;
    const char *address = "127.0.0.1";
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = (int)number_of("port", optarg, 0, 65535);
            break;
        case 'b':
            address = optarg;
            break;
        case 't':
            threads = (unsigned)number_of("threads", optarg, 1, 64);
            break;
        case 'o':
            conn_output_limit = (size_t)number_of("output-limit", optarg, 1, 1L << 30);
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return 0;
        default:
            (void)fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc) {
        (void)fputs(usage, stderr);
        return 2;
    }

    signals_block();
    int result = topics_init();
    if (result == 0)
        result = loops_start(threads);
    if (result == 0)
        result = signals_start();
    if (result != 0)
        return fail("cannot start", result);
    result = listener_start(address, &port);
    if (result != 0)
        return fail("cannot listen", result);
    (void)printf("ready on port %d\n", port);
    (void)fflush(stdout);

    loops_run();
    listener_end();
    signals_end();
    topics_free();
    uint64_t left = hold_left(stderr);
    (void)printf("ended, %llu objects left\n", (unsigned long long)left);
    return left == 0 ? 0 : 1;
}
