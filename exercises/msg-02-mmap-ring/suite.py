"""A ring in a mapped file, with the suite as the other process.

The file is all that the two share. The suite reads it, writes whole rings for the program to open, and changes bytes of it in place while
the program has it mapped. So a view is told from a copy: bytes that are changed from outside show in the one and not in the other. In which
order push and pop write is seen by looking at the file between any two instructions of the program, and what they write without being asked
by letting another process act before any one of them.

Rings begin at any byte number. Where a case is not about the edge, its records do not lie across it, and where it is not about odd
capacities, these are powers of two.
"""

import struct

from practicum.evidence import count
from practicum.remote import Handle, an_object

MAGIC, VERSION = b"MMAPRING", 1
HEADER = struct.Struct("<8sI4xQQQ24x")
HEAD_AT, TAIL_AT = 24, 32
FIELDS = [("magic", 8), ("version", 4), ("gap", 4), ("capacity", 8), ("head", 8), ("tail", 8), ("gap", 24)]
#: About so many instructions of a call are tried as the moment at which another process acts; of a short call, all.
INTERRUPTIONS = 200


def layout(exam):
    capacity = 1 << exam.random.randint(7, 11)
    payloads = [exam.random.randbytes(length) for length in (7, 0, exam.random.randint(10, 40))]
    ring = create(exam, "ring", capacity)
    with exam.during(f"Ring.create(path, {capacity})"):
        header, data = parts(exam, "ring", capacity)
        exam.equal(header, HEADER.pack(MAGIC, VERSION, capacity, 0, 0), "the file's first 64 bytes", FIELDS)
        exam.equal(data, bytes(capacity), "the bytes behind them")
    tail = 0
    for number, payload in enumerate(payloads, 1):
        with exam.during(f"push number {number}, of {count(len(payload))}"):
            exam.equal(ring.push(payload), True, "what it returned")
            tail += 4 + len(payload)
            header, data = parts(exam, "ring", capacity)
            exam.equal(header, HEADER.pack(MAGIC, VERSION, capacity, 0, tail), "the file's first 64 bytes", FIELDS)
            exam.equal(data[:tail], b"".join(map(record, payloads[:number])), "the records behind them")
    with exam.during("pop after three pushes"):
        exam.equal(ring.pop(), payloads[0], "what it returned")
        header, _ = parts(exam, "ring", capacity)
        exam.equal(header, HEADER.pack(MAGIC, VERSION, capacity, 4 + len(payloads[0]), tail), "the file's first 64 bytes", FIELDS)


def judge_produces(exam):
    capacity, size = 256, 16
    start = capacity * exam.random.randrange(1, 2**45)
    payloads = [exam.random.randbytes(size - 4) for _ in range(30)]
    shared = Shared(exam, "ring", capacity, start, payloads[:2])
    ring = shared.open()
    taken = 0
    for added in (0, 1, 3, 0, 2):
        for payload in payloads[shared.number : shared.number + added]:
            shared.produce(payload)
        while taken < shared.number:
            with exam.during(f"another process has put {count(shared.number, 'record')} into a ring, {taken} of them were popped"):
                exam.equal(ring.pop(), payloads[taken], "pop()")
            taken += 1
        with exam.during(f"another process has put {count(shared.number, 'record')} into a ring, and all were popped"):
            exam.equal(ring.pop(), None, "pop()")

    pushed = 0
    while pushed < capacity // size and ring.push(payloads[pushed]) is True:
        pushed += 1
    shared.consume(size)
    with exam.during(f"a ring was filled by {pushed} records, and another process has taken one of them"):
        exam.equal(ring.push(payloads[-1]), True, "push of a record of the same length")
        for payload in [*payloads[1:pushed], payloads[-1]]:
            exam.equal(ring.pop(), payload, "pop(), in order")


def wrap(exam):
    capacity = 64
    for length in (exam.random.randint(5, 8), exam.random.randint(20, 30)):
        whole = 4 + length
        for cut in sorted({1, 2, 3, 4, 5, whole - 1, exam.random.randrange(6, whole)}):
            start = capacity * exam.random.randrange(1, 2**30) - cut
            first, second = (exam.random.randbytes(length) for _ in range(2))
            where = f"the edge lies behind byte {cut} of a record of 4 + {length} bytes"
            with exam.during(f"{where}, which push writes"):
                shared = Shared(exam, "ring", capacity, start)
                ring = shared.open()
                exam.equal(ring.push(first), True, "push")
                exam.equal(shared.counters(), (start, start + whole), "head and tail")
                exam.equal(shared.bytes_from(start, whole), record(first), "the record, read around the edge")
                exam.equal(ring.pop(), first, "pop()")
                exam.equal(ring.pop(), None, "pop(), once more")
            with exam.during(f"{where}, which another process has written"):
                ring = Shared(exam, "ring", capacity, start, [second]).open()
                exam.equal(ring.pop(), second, "pop()")


def full_empty(exam):
    capacity = 128
    ring = create(exam, "ring", capacity)
    exam.equal(ring.pop(), None, "pop() from a new ring")
    for _ in range(2):
        sizes = cut_up(exam, capacity)
        payloads = [exam.random.randbytes(size - 4) for size in sizes]
        with exam.during(f"records of 4 + {[size - 4 for size in sizes]} bytes fill a ring of {capacity} to its last byte"):
            for payload in payloads:
                exam.equal(ring.push(payload), True, f"push of {count(len(payload))}")
            before = exam.read_file("ring")
            for payload in (b"", exam.random.randbytes(30)):
                exam.equal(ring.push(payload), False, f"push of {count(len(payload))} into the full ring")
            exam.equal(exam.read_file("ring"), before, "the file after a push that returned False")
            for payload in payloads:
                exam.equal(ring.pop(), payload, "pop() from the full ring, in order")
            exam.equal(ring.pop(), None, "pop(), once more")
    with exam.during(f"a ring of {capacity} bytes is empty"):
        longest = exam.random.randbytes(capacity - 4)
        exam.raises("ValueError", ring.push, longest + b"x")
        exam.equal(ring.push(longest), True, f"push of {len(longest)} bytes, the longest payload that fits")
        exam.equal(ring.pop(), longest, "pop()")
    free = exam.random.randint(10, 40)
    ring.push(bytes(capacity - free - 4))
    with exam.during(f"{free} bytes of a ring are free"):
        exam.equal(ring.push(bytes(free - 3)), False, f"push of {free - 3} bytes")
        exam.equal(ring.push(bytes(free - 4)), True, f"push of {free - 4} bytes")


def two_processes(exam):
    capacity = 256
    with open("drivers/other.py", encoding="utf-8") as source:
        exam.write_file("other.py", source.read())
    steps = in_turns(exam, 15, 250, "here", "other") + in_turns(exam, 15, 250, "other", "here")
    seen = beside(exam, "in_step", [object], program="other.py", path="ring", capacity=capacity, steps=steps)
    for number, (got, (who, what, payload, want)) in enumerate(zip(seen, steps)):
        before = sum(step[1] == "push" for step in steps[:number])
        process = "the process that created the ring" if who == "here" else "the process that opened it"
        said = f"push of {count(len(payload) // 2)}" if what == "push" else "pop(), in hexadecimal"
        exam.equal(got, want, f"two processes share a ring; {said}, in {process}, after {count(before, 'record')} went in")
    exam.equal(len(seen), len(steps), "steps performed")


def publish_order(exam):
    capacity = 1 << 10
    for _ in range(3):
        payload = exam.random.randbytes(exam.random.randint(20, 60))
        whole = 4 + len(payload)
        # Adding the record changes more than one byte of the number, so half of it would show.
        start = capacity * exam.random.randrange(1, 2**20) + 256 * exam.random.randint(1, 2) - exam.random.randint(1, whole - 1)
        with exam.during("looking at the file between any two instructions of push"):
            shared = Shared(exam, "ring", capacity, start)
            given = dict(ring=shared.open(), path="ring", size=HEADER.size + capacity, place=TAIL_AT, payload=payload)
            seen = beside(exam, "watched_push", {"result": object, "content": bytes}, **given)
            exam.equal(seen["result"], True, "what it returned")
            content = seen["content"]
            assert len(content) == HEADER.size + capacity, "the tail did not change"
            exam.equal(numbers(content)[1], start + whole, "the tail when it was first seen changed")
            exam.equal(cut_out(content, capacity, start, whole), record(payload), "the record when the tail was first seen changed")

        with exam.during("as soon as pop changed the head, another process used the bytes of the record for something else"):
            shared = Shared(exam, "ring", capacity, start, [payload])
            writes = shared.places(start, exam.random.randbytes(whole))
            given = dict(ring=shared.open(), path="ring", place=HEAD_AT, writes=writes)
            seen = beside(exam, "watched_pop", {"result": object, "number": bytes}, **given)
            exam.equal(seen["number"], struct.pack("<Q", start + whole), "the head when it was first seen changed, as bytes")
            exam.equal(seen["result"], payload, "what it returned")


    capacity = 128
    start = capacity * exam.random.randrange(1, 2**20)
    first, second = (exam.random.randbytes(20) for _ in range(2))
    one = ring_file(exam, capacity, start, [first])
    taken = [(HEAD_AT, struct.pack("<Q", start + 24))]
    for where, result, content in interrupted(exam, "push", [second], one, taken):
        with exam.during(f"another process took a record out {where}"):
            exam.equal(result, True, "what push returned")
            exam.equal(numbers(content), (start + 24, start + 48), "head and tail afterwards")
            exam.equal(cut_out(content, capacity, start + 24, 24), record(second), "the record that was pushed")
    added = [(HEADER.size + 24, record(second)), (TAIL_AT, struct.pack("<Q", start + 48))]
    for where, result, content in interrupted(exam, "pop", [], one, added):
        with exam.during(f"another process put a record in {where}"):
            exam.equal(result, first, "what pop returned")
            exam.equal(numbers(content), (start + 24, start + 48), "head and tail afterwards")
            exam.equal(cut_out(content, capacity, start + 24, 24), record(second), "the record that was put in")


def bad_header(exam):
    ring_class = exam.get(exam.load("ring.py"), "Ring")
    capacity, start = 128, exam.random.randrange(2**40)
    payloads = [exam.random.randbytes(20) for _ in range(2)]
    tail = start + 48

    def header(magic=MAGIC, version=VERSION, size=capacity, head=start, tail=tail):
        return HEADER.pack(magic, version, size, head, tail)

    good = ring_file(exam, capacity, start, payloads)
    files = {
        "with another magic": header(magic=exam.random.choice([b"MMAPRINK", b"mmapring", b"RINGMMAP"])) + good[64:],
        "of version 2": header(version=2) + good[64:],
        "of version 1, big-endian": header(version=1 << 24) + good[64:],
        "one byte longer than its capacity says": good + b"\0",
        "one byte shorter than its capacity says": good[:-1],
        "with a capacity of 2**40 bytes": header(size=2**40) + good[64:],
        "that ends behind its header": good[:64],
        "of 63 bytes": good[:63],
        "without a byte": b"",
        "with a head beyond its tail": header(head=start + 1, tail=start) + good[64:],
        "with more in use than its capacity": header(tail=start + capacity + 1) + good[64:],
    }
    for what, content in files.items():
        with exam.during(f"Ring.open of a file {what}"):
            exam.write_file("bad", content)
            exam.raises("ValueError", ring_class.open, "bad")
            exam.equal(exam.read_file("bad"), content, "the file afterwards")

    exam.raises("FileNotFoundError", ring_class.open, "missing")
    assert exam.kind("missing") is None, "Ring.open of a file that does not exist has made one"
    exam.write_file("there", good)
    with exam.during("Ring.create where there is a file"):
        exam.raises("FileExistsError", ring_class.create, "there", capacity)
        exam.equal(exam.read_file("there"), good, "the file afterwards")

    for claimed in (21, 2**31 + exam.random.randrange(100), 2**32 - 1):
        shared = Shared(exam, "lying", capacity, start, payloads[:1])
        ring = shared.open()
        shared.patch(start, struct.pack("<I", claimed))
        with exam.during(f"24 bytes of a ring are in use, and its record claims to have {claimed} bytes"):
            exam.raises("ValueError", ring.pop)
            exam.raises("ValueError", ring.peek)
            exam.equal(shared.counters(), (start, start + 24), "head and tail afterwards")


def peek_is_a_view(exam):
    capacity = 256
    base = capacity * exam.random.randrange(1, 2**30)
    starts = {"in one piece": base, "across the edge": base - exam.random.randint(10, 30), "behind a length across the edge": base - 2}
    for where, start in starts.items():
        payload, second = exam.random.randbytes(40), exam.random.randbytes(12)
        shared = Shared(exam, "ring", capacity, start, [payload, second])
        ring = shared.open()
        with exam.during(f"peek at a payload of 40 bytes that lies {where}"):
            held = peek(exam, ring)
            exam.equal(held.now(), payload, "what the views show")
            changed = bytearray(payload)
            for at in exam.random.sample(range(40), 5):
                changed[at] ^= 0xFF
            shared.patch(start + 4, changed)
            exam.equal(held.now(), bytes(changed), "what the views show after another process has changed bytes of the file")
            exam.equal(shared.counters(), (start, start + 60), "head and tail")
            held.release()
            exam.equal(ring.pop(), bytes(changed), "pop() after peek")
        held = peek(exam, ring)
        exam.equal(held.now(), second, "peek at the next record, when the first was popped")
        held.release()

        taken = beside(exam, "pop", {"held": Handle, "kind": str}, ring=ring)
        exam.equal(taken["kind"], "bytes", "type of what pop() returned")
        exam.equal(ring.peek(), None, "peek() at an empty ring")


def close_while_viewed(exam):
    capacity = 256
    payloads = [exam.random.randbytes(20) for _ in range(3)]
    ring = create(exam, "first", capacity)
    ring.push(payloads[0])
    ring.pop()
    with exam.during("close() after create, push and pop, while nobody holds a view"):
        ring.close()
    gone(exam, "first", "create, push, pop and close")

    ring = Shared(exam, "second", capacity, 0, payloads[:2]).open()
    held = peek(exam, ring)
    with exam.during("close() while a view that peek returned is in use"):
        exam.raises("BufferError", ring.close)
        exam.equal(held.now(), payloads[0], "what the view shows afterwards")
        exam.equal(ring.push(payloads[2]), True, "push afterwards")
        for payload in payloads:
            exam.equal(ring.pop(), payload, "pop() afterwards")
        exam.raises("BufferError", ring.close)
        exam.equal(ring.pop(), None, "pop() afterwards")
    held.release()
    with exam.during("close() once the view has been released"):
        ring.close()
    gone(exam, "second", "the view was released and close() called again")


def odd_capacity(exam):
    capacities = exam.random.randrange(9, 32, 2), exam.random.randrange(33, 128, 2), 4096 + exam.random.randrange(1, 64, 2)
    for number, capacity in enumerate(capacities):
        name = f"ring{number}"
        with exam.during(f"a ring of {capacity} bytes"):
            ring = create(exam, name, capacity)
            parts(exam, name, capacity)
            waiting, free = [], capacity
            # A large ring is filled by large records.
            longest = min(capacity - 4, 1000)
            for _ in range(50):
                length = exam.random.randint(0, longest)
                # Up to the last byte is another case.
                while 4 + length == free:
                    length = exam.random.randint(0, longest)
                payload = exam.random.randbytes(length)
                fits = 4 + length < free
                exam.equal(ring.push(payload), fits, f"push of {count(len(payload))} while {free} are free")
                if fits:
                    waiting.append(payload)
                    free -= 4 + len(payload)
                if not fits or exam.random.random() < 0.3:
                    want = waiting.pop(0) if waiting else None
                    exam.equal(ring.pop(), want, "pop()")
                    free += 0 if want is None else 4 + len(want)


# The file


def record(payload):
    return struct.pack("<I", len(payload)) + payload


def ring_file(exam, capacity, start, payloads):
    """A ring whose first record begins at byte number `start`. What is not in use holds anything."""
    data = bytearray(exam.random.randbytes(capacity))
    content = b"".join(map(record, payloads))
    for number, byte in enumerate(content, start):
        data[number % capacity] = byte
    return HEADER.pack(MAGIC, VERSION, capacity, start, start + len(content)) + bytes(data)


def numbers(content):
    """Head and tail."""
    return struct.unpack_from("<QQ", content, HEAD_AT)


def cut_out(content, capacity, start, length):
    return bytes(content[HEADER.size + number % capacity] for number in range(start, start + length))


def parts(exam, name, capacity):
    """Header and data of a ring in the work folder."""
    content = exam.read_file(name)
    assert content is not None, "there is no such file"
    exam.equal(len(content), HEADER.size + capacity, "length of the file")
    return content[: HEADER.size], content[HEADER.size :]


class Shared:
    """A ring in the work folder as the suite uses it: as another process, that never maps it."""

    def __init__(self, exam, name, capacity, start=None, payloads=()):
        self.exam, self.name, self.capacity = exam, name, capacity
        self.number = len(payloads)
        if start is not None:
            exam.remove_file(name)
            exam.write_file(name, ring_file(exam, capacity, start, payloads))

    def open(self):
        ring_class = self.exam.get(self.exam.load("ring.py"), "Ring")
        return an_object(ring_class.open(self.name), "Ring.open()")

    def counters(self):
        header, _ = parts(self.exam, self.name, self.capacity)
        return numbers(header)

    def bytes_from(self, start, length):
        return cut_out(b"".join(parts(self.exam, self.name, self.capacity)), self.capacity, start, length)

    def places(self, start, data):
        """Where in the file bytes from byte number `start` on belong: one or two pieces."""
        first = start % self.capacity
        edge = self.capacity - first
        pieces = [(HEADER.size + first, bytes(data[:edge])), (HEADER.size, bytes(data[edge:]))]
        return [piece for piece in pieces if piece[1]]

    def patch(self, start, data):
        for at, piece in self.places(start, data):
            self.exam.patch_file(self.name, at, piece)

    def produce(self, payload):
        _, tail = self.counters()
        self.patch(tail, record(payload))
        self.exam.patch_file(self.name, TAIL_AT, struct.pack("<Q", tail + 4 + len(payload)))
        self.number += 1

    def consume(self, length):
        head, _ = self.counters()
        self.exam.patch_file(self.name, HEAD_AT, struct.pack("<Q", head + length))


def cut_up(exam, total):
    """Sizes of records that take that many bytes together."""
    sizes = []
    while total > 60:
        sizes.append(exam.random.randint(4, 40))
        total -= sizes[-1]
    return [*sizes, total]


def in_turns(exam, most, records, producer, consumer):
    """Steps (who, what, payload, result) that bring so many records of 16 bytes through a ring, with at most so many in it."""
    steps, waiting = [], []
    while records or waiting:
        if records and len(waiting) < most and exam.random.random() < 0.6:
            waiting.append(exam.random.randbytes(12).hex())
            steps.append([producer, "push", waiting[-1], True])
            records -= 1
        elif waiting:
            steps.append([consumer, "pop", "", waiting.pop(0)])
    return [*steps, [consumer, "pop", "", None]]


# The program


def create(exam, name, capacity):
    ring_class = exam.get(exam.load("ring.py"), "Ring")
    return an_object(ring_class.create(name, capacity), "Ring.create()")


def peek(exam, ring):
    """What peek() returned, held beside the student's code."""
    seen = beside(exam, "peek", {"held": Handle, "kind": str, "kinds": [str]}, ring=ring)
    exam.equal(seen["kind"], "list", "type of what it returned")
    exam.equal(sorted(set(seen["kinds"])), ["memoryview"], "types in the list that it returned")
    return seen["held"]


def interrupted(exam, what, arguments, before, writes):
    """What a call returned and the file afterwards, when another process wrote to it before an instruction of the call; for each one."""
    exam.remove_file("ring")
    exam.write_file("ring", before)
    ring_class = exam.get(exam.load("ring.py"), "Ring")
    ring = an_object(ring_class.open("ring"), "Ring.open()")
    given = dict(ring=ring, path="ring", what=what, arguments=arguments, before=before, writes=writes, most=INTERRUPTIONS)
    seen = beside(exam, "interrupted", [{"number": int, "result": object, "content": bytes}], **given)
    assert seen, f"{what} has no instructions"
    for outcome in sorted(seen, key=lambda outcome: outcome["number"]):
        where = f"before instruction {outcome['number'] + 1} of {what}"
        exam.equal(len(outcome["content"]), len(before), f"length of the file after another process wrote to it {where}")
        yield where, outcome["result"], outcome["content"]


def gone(exam, name, when):
    seen = beside(exam, "still_there", {"mapped": int, "descriptors": int}, path=name)
    assert not seen["mapped"], f"after {when} the file is still mapped"
    assert not seen["descriptors"], f"after {when} the file is still open"


def beside(exam, function, shape, **given):
    """What a driver saw."""
    return exam.drive(f"drivers/beside.py:{function}", module="ring.py", shape=shape, **given)
