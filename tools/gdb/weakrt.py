# SPDX-License-Identifier: MIT
"""weakrt in gdb: `source tools/gdb/weakrt.py`. It reads memory and nothing else, so that it works on a core file too.

A wr_weak prints as `2:1 -> conn at 0x..., alive, references: 2, weakrefs: 1`, a wr_cell as what it owns.

    wr live [TYPE]   what is alive, by type; with a type, each of its objects
    wr who PTR       the object at PTR, and what refers to it: weakrefs, the places its recorded references are held
                     at, and live objects with its address or a weak value of it in their payload
"""

import struct

import gdb

GRANULE = 32  # as in weakrt_inline.h and arena.h
CHUNK = 2 << 20
PAGE = 4096
KILL, COUNT_SHIFT = 1 << 34, 37


def number(expression):
    return int(gdb.parse_and_eval(expression))


def class_payload(size_class):
    if size_class >= 48:  # buckets of tables: steady ones, then others
        return 32 + 64 * (64 if size_class % 2 else 8)
    if size_class >= 40:  # entries of caches
        size_class -= 40
    if size_class < 8:
        return 32 * (size_class + 1)
    return (5 + (size_class & 3)) << (6 + (size_class - 8) // 4)


def read(address, size):
    """Bytes of the program; zero where a core file has none, as pages never touched are."""
    inferior = gdb.selected_inferior()
    try:
        return bytes(inferior.read_memory(address, size))
    except gdb.MemoryError:
        if size <= PAGE:
            return bytes(size)
        return b"".join(read(address + at, min(PAGE, size - at)) for at in range(0, size, PAGE))


class Slot:
    def __init__(self, address, data):
        self.address = address
        self.word, self.type, self.head, self.below, self.link = struct.unpack("QQQII", data[:GRANULE])
        self.payload = address + GRANULE
        self.tag = self.word & 0xFFFFFFFF
        self.count = self.word >> COUNT_SHIFT
        self.alive = self.tag & 1 == 1 and self.type != 0
        self.size = 0

    def index(self):
        return (self.address - number("(unsigned long)wr_arena.base")) // GRANULE

    def type_field(self, field):
        return gdb.Value(self.type).cast(gdb.lookup_type("wr_type").pointer())[field]

    def name(self):
        name = self.type_field("name")
        return name.string() if int(name) else "object"

    def is_weakref(self):
        base = gdb.lookup_global_symbol("wr_weakref_type")
        base = int(base.value().address) if base else -1
        return self.type == base or int(self.type_field("base")) == base

    def killed(self):
        return self.word & KILL != 0 and not self.is_weakref()

    def weakrefs(self):
        """The weakref objects on the object's list."""
        entry = self.head
        entries = gdb.lookup_type("struct wr_entry").pointer()
        kind = number("(int)ENTRY_WEAKREF")
        while entry:
            value = gdb.Value(entry).cast(entries)
            if int(value["kind"]) == kind:
                yield entry
            entry = int(value["next"])

    def holders(self):
        """The places that recorded references to the object are held at."""
        entry, kind = self.head, number("(int)ENTRY_ANNEX")
        entries = gdb.lookup_type("struct wr_entry").pointer()
        annex = gdb.lookup_type("struct annex").pointer()
        holder = gdb.lookup_type("struct holder").pointer()
        while entry:
            value = gdb.Value(entry).cast(entries)
            if int(value["kind"]) == kind:
                record = int(gdb.Value(entry).cast(annex)["holders"])
                while record:
                    yield gdb.Value(record).cast(holder)["place"].string()
                    record = int(gdb.Value(record).cast(entries)["next"])
            entry = int(value["next"])

    def described(self):
        state = "killed and held" if self.killed() else "alive"
        count = 0 if self.is_weakref() else len(list(self.weakrefs()))
        return "%s at 0x%x, %s, references: %d, weakrefs: %d" % (self.name(), self.payload, state, self.count, count)


def slot_at(index):
    base, end = number("(unsigned long)wr_arena.base"), number("wr_arena.end")
    if not 0 < index < end:
        return None
    address = base + index * GRANULE
    return Slot(address, read(address, GRANULE))


def live_slots():
    """Every live object, and its payload's bytes."""
    base, end = number("(unsigned long)wr_arena.base"), number("wr_arena.end")
    classes = gdb.parse_and_eval("arena_classes")
    for chunk in range(end * GRANULE // CHUNK):
        stride = class_payload(int(classes[chunk])) + GRANULE
        memory = read(base + chunk * CHUNK, CHUNK)
        for at in range(stride if chunk == 0 else 0, CHUNK - stride + 1, stride):
            if memory[at] & 1:
                slot = Slot(base + chunk * CHUNK + at, memory[at : at + GRANULE])
                slot.size = stride
                if slot.alive:
                    yield slot, memory[at + GRANULE : at + stride]


class WeakPrinter:
    def __init__(self, value):
        self.bits = int(value["bits"])

    def to_string(self):
        if self.bits == 0:
            return "null"
        slot = slot_at(self.bits >> 32)
        tag = self.bits & 0xFFFFFFFF
        text = "%d:%d -> " % (self.bits >> 32, tag)
        if slot is None:
            return text + "no slot"
        if slot.alive and slot.tag == tag:
            return text + slot.described()
        if slot.alive and slot.killed() and tag <= slot.tag:
            return text + "dead (the slot has %s)" % slot.described()
        return text + "dead"


class CellPrinter:
    def __init__(self, value):
        self.bits = int(value["bits"])

    def to_string(self):
        if self.bits == 0:
            return "empty"
        slot = slot_at(self.bits)
        return "owns " + slot.described() if slot is not None and slot.alive else "owns what is no live object"


def printer(value):
    names = {str(value.type), value.type.strip_typedefs().tag}
    if "wr_weak" in names:
        return WeakPrinter(value)
    if "wr_cell" in names:
        return CellPrinter(value)
    return None


class Wr(gdb.Command):
    """weakrt: objects and who refers to them."""

    def __init__(self):
        super().__init__("wr", gdb.COMMAND_DATA, prefix=True)


class Live(gdb.Command):
    """wr live [TYPE]: what is alive, by type; with a type, each of its objects."""

    def __init__(self):
        super().__init__("wr live", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        rows, killed = {}, []
        for slot, _ in live_slots():
            name = slot.name()
            if argument == name:
                print("%d:%d %s" % (slot.index(), slot.tag, slot.described()))
            row = rows.setdefault(name, [0, 0, 0, 0])
            row[0] += 1
            row[1] += slot.killed()
            row[2] += slot.count
            row[3] += slot.size
            if slot.killed():
                killed.append(slot)
        if argument:
            return
        print("weakrt: objects alive: %d, killed and held: %d" % (sum(row[0] for row in rows.values()), len(killed)))
        for slot in killed[:16]:
            print("killed and held: %d:%d %s" % (slot.index(), slot.tag, slot.described()))
        print("%-24s %10s %10s %12s %12s" % ("type", "alive", "killed", "references", "bytes"))
        for name, row in sorted(rows.items(), key=lambda item: (-item[1][1], -item[1][3])):
            print("%-24s %10d %10d %12d %12d" % (name, *row))


class Who(gdb.Command):
    """wr who PTR: the object at PTR, and what refers to it."""

    def __init__(self):
        super().__init__("wr who", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        payload = number("(unsigned long)(%s)" % argument)
        base = number("(unsigned long)wr_arena.base")
        index, rest = divmod(payload - base - GRANULE, GRANULE)
        slot = None if rest else slot_at(index)
        if slot is None:
            raise gdb.GdbError("0x%x is no object of weakrt" % payload)
        if not slot.alive:
            print("0x%x: a dead object%s" % (payload, ", of type " + slot.name() if slot.type else ""))
            return
        print("%d:%d %s" % (index, slot.tag, slot.described()))
        if not slot.is_weakref():
            for ref in slot.weakrefs():
                print("  weakref at 0x%x" % ref)
            places = list(slot.holders())
            for place in sorted(set(places), key=lambda place: (-places.count(place), place)):
                print("  held at %s: %d" % (place, places.count(place)))
        wanted = {payload: "address", index << 32 | slot.tag: "weak value"}
        for other, data in live_slots():
            for at, word in enumerate(struct.unpack("%dQ" % (len(data) // 8), data)):
                if wanted.get(word) and other.payload != payload and not other.is_weakref():
                    print("  %s in %s at 0x%x, byte %d" % (wanted[word], other.name(), other.payload, at * 8))


gdb.pretty_printers.append(printer)
Wr()
Live()
Who()
