# SPDX-License-Identifier: MIT
"""What is measured, what it is compared with, and what is asked of it."""

CALLS = 1.7  # what a plain call may cost, times the goal with the inline header


class Row:
    """A line of the table. What is measured is the row `row` of the programs, with `threads` and `size`; it is compared
    with the best peer's row of the same name, or of the name `peer`, among the peers `only` if given; or with `own`,
    another line, by its name; or with `at_most`, a number of its unit."""

    def __init__(self, name, title, goal=None, row=None, peer=None, only=None, own=None, at_most=None, calls=None,
                 threads=1, size=None, quick=False, many=False, heavy=False, long=False, bytes=False):
        self.name, self.title, self.goal, self.own, self.at_most = name, title, goal, own, at_most
        self.point = (row or name, threads, size)
        self.peer_point = (peer or row or name, threads, size)
        self.only = only
        # A call costs more than what is inlined; where nothing is inlined it does not.
        self.calls = calls if calls is not None else goal and goal * CALLS
        self.quick = quick  # part of --quick
        self.many = many or threads > 1 or bytes  # not for counting instructions
        self.heavy = heavy or bytes  # a process takes long to prepare: fewer of them, each with more values
        self.long = long  # only with --long
        self.bytes = bytes


class Group:
    def __init__(self, title, *rows):
        self.title, self.rows = title, rows


def too_much(program, point):
    """GLib's list of callbacks is searched from its start by a cancel, and ends at 65,535."""
    return program == "glib" and point[0].startswith("watches_") and (point[2] or 0) > 60000


CACHE_WORK = {"hit": "cache hit", "miss": "cache miss", "get_or_create_hit": "get_or_create that finds one",
              "insert_death": "create + put + death"}
SIZES = {1000: "a thousand", 1000000: "a million", 10000000: "10 million"}


def cache_row(work, size, threads, **more):
    title = "%s, %s entries%s" % (CACHE_WORK[work], SIZES[size], ", 2 threads" if threads == 2 else "")
    return Row("cache_%s_%d_%d" % (work, size, threads), title, 1.0, row="cache_" + work,
               threads=threads, size=size, calls=1.0, heavy=size >= 1000000, long=size > 1000000, many=size > 1000,
               **more)


GROUPS = [
    Group("Counting and look-ups",
          Row("retain_release", "retain + release", 1.05, quick=True),
          Row("retain_release_never_weak", "the same, no weak reference was ever made", 1.45, peer="retain_release"),
          Row("get_release", "weak get + release", 0.85, quick=True),
          Row("get_release_shared", "the same from 2 threads on one object", 0.8, threads=2, quick=True),
          Row("neighbours_one_thread", "the same in turn on 8 of 16 neighbours", row="neighbours", many=True),
          Row("neighbours_two_threads", "... while a 2nd thread uses the others: / one", 1.15, row="neighbours",
              own="neighbours_one_thread", calls=1.15, threads=2),
          Row("weak_copy_drop", "weak copy + drop: / of counted ones", 0.1,
              only=("arc", "boost", "glib", "libcxx", "libstdcxx", "rust")),
          Row("plain_lookup", "plain load and compare of a generation"),
          Row("dead_lookup", "dead look-up: / plain load and compare", 1.5, own="plain_lookup")),
    Group("Lives",
          Row("create_destroy", "create + destroy, 64 bytes, fresh slots", 0.3, quick=True),
          Row("create_destroy_minted", "the same in slots that had weak values", 1.3, peer="create_destroy",
              quick=True),
          Row("create_destroy_function", "the same with a destroy function, fresh slots"),
          Row("create_weak_destroy", "create + weak + destroy + drop", 0.6, quick=True),
          Row("population_create", "create + weak, a million objects", heavy=True),
          Row("population_death", "death of a million objects in turn", heavy=True)),
    Group("Large populations",
          Row("cold_get_release", "get + release, random over 10 million objects", 0.9, heavy=True, many=True),
          Row("cold_get_read_release", "the same, and read a word of the object", heavy=True, many=True, long=True)),
    Group("Caches",
          cache_row("hit", 1000, 1, quick=True), cache_row("hit", 1000, 2),
          cache_row("hit", 1000000, 1), cache_row("hit", 1000000, 2),
          cache_row("hit", 10000000, 1), cache_row("hit", 10000000, 2),
          Row("cache_hit_own_hash", "cache hit, a thousand entries, hash of the caller's: / rculfhash with that",
              size=1000, peer="cache_hit", only=("urcu",)),
          cache_row("miss", 1000, 1), cache_row("miss", 1000000, 1), cache_row("miss", 10000000, 1),
          cache_row("get_or_create_hit", 1000, 1), cache_row("get_or_create_hit", 1000, 2),
          cache_row("insert_death", 1000, 1), cache_row("insert_death", 1000, 2),
          cache_row("insert_death", 1000000, 1), cache_row("insert_death", 1000000, 2),
          cache_row("insert_death", 10000000, 1)),
    Group("The longest put while a cache grows: least of the rounds",
          *[Row("%s_%d" % (work, size), "to %s entries%s" % (words, more), row=work, size=size, heavy=True, many=True,
                long=True)
            for size, words in SIZES.items() if size > 1000
            for work, more in (("cache_growth", ""), ("cache_growth_again", ", in memory used before"))]),
    Group("Borrows and cells",
          Row("borrow_return", "borrow + return: / weak get + release", 0.1, peer="get_release", calls=0.3, quick=True),
          Row("borrow_return_shared", "the same from 2 threads on one object", 0.02, peer="get_release_shared",
              calls=0.06, threads=2, quick=True),
          Row("borrow_return_rcu", "borrow + return: / RCU look-up inside a section", row="borrow_return",
              peer="read_section"),
          Row("borrow_return_rcu_2", "the same from 2 threads", row="borrow_return_shared",
              peer="read_section_shared", threads=2),
          Row("cold_borrow_return", "borrow + return over 10 million: / get + release", peer="cold_get_release",
              heavy=True, many=True, long=True),
          Row("borrowable_death_nobody", "create + weak + death, borrowable, no borrower"),
          Row("borrowable_death_own", "the same, this thread has borrowed"),
          Row("borrowable_death_busy", "the same, another thread borrows all the time", many=True),
          Row("borrowable_death_batch", "the same, a thousand at once, death only", many=True),
          Row("cell_load_release", "atomic slot: load + release", 0.8),
          Row("cell_load_release_shared", "the same from 2 threads on one slot", 0.3, threads=2),
          Row("cell_borrow", "atomic slot: borrow + return: / load + release", 0.1, peer="cell_load_release",
              calls=0.3),
          Row("cell_borrow_shared", "the same from 2 threads on one slot", 0.1, peer="cell_load_release_shared",
              calls=0.3, threads=2),
          Row("cell_exchange", "atomic slot: exchange")),
    Group("Weakref objects and callbacks",
          Row("create_callback_death", "create + callback + death: / Python", 0.7, only=("python",), calls=0.7,
              quick=True),
          Row("create_callback_death_glib", "create + callback + death: / GLib", 0.25, row="create_callback_death",
              only=("glib",), calls=0.25, quick=True),
          Row("create_callback_death_2", "the same from 2 threads: / GLib", 0.2, row="create_callback_death",
              only=("glib",), calls=0.2, threads=2),
          Row("weakref_new_drop", "weakref new + drop, no callback"),
          Row("weakref_new_drop_shared", "the same, one is there already"),
          Row("watch_cancel", "weakref with callback: new + cancel"),
          Row("weakref_get_release", "weakref get + release: / GWeakRef", 0.85, only=("glib",), calls=0.85),
          Row("weakref_get_release_2", "the same from 2 threads: / GWeakRef", row="weakref_get_release",
              only=("glib",), threads=2),
          *[Row("watches_%s_%d" % (work, size), "%s, of %s on one object" % (title, words), row="watches_" + work,
                size=size, many=True, heavy=size > 10000)
            for size, words in ((1000, "a thousand callbacks"), (1000000, "a million"))
            for work, title in (("register", "register one"), ("cancel", "cancel one at random"),
                                ("fire", "fire one at death"))]),
    Group("Delivery and waiting",
          Row("deliver_callback_here", "callback through the loop, 100 at a time"),
          Row("deliver_callback", "the same from another thread", many=True),
          Row("deliver_callback_2", "the same from 2 other threads", row="deliver_callback", threads=2),
          Row("deliver_destroy_here", "destroy through the loop, 100 at a time"),
          Row("deliver_destroy", "the same from another thread", many=True),
          Row("deliver_destroy_2", "the same from 2 other threads", row="deliver_destroy", threads=2),
          Row("kill_wait_alone", "create + kill and wait, nobody has it"),
          Row("kill_wait_held", "the same, another thread lets go of it", many=True)),
    Group("Boxes: / a count in the struct",
          Row("box_create_destroy", "malloc + box + destroy + free"),
          Row("box_retain_use_release", "retain + read through the box + release"),
          Row("box_get_use_release", "weak get + read + release", peer="box_retain_use_release")),
    Group("Memory",
          Row("bytes_with_weak", "bytes of an object with one weak reference", at_most=104, bytes=True),
          Row("bytes_held_after_death", "bytes held after death, 1 KiB, weak survives", at_most=0, bytes=True),
          Row("bytes_per_watch", "bytes of a weakref with callback", bytes=True),
          Row("bytes_per_cache_entry", "bytes of a cache entry, key of 12", bytes=True,
              only=("boost", "glib", "libcxx", "libstdcxx"))),
]

ROWS = [row for group in GROUPS for row in group.rows]
