"""Packed bytes both ways: captures, arrays, pairs.

The suite makes every file itself, field by field, in either byte order, and takes apart what the student's code has written. Files and
arrays cannot cross to us, so a driver holds them and hands over their bytes. That a capture is read packet by packet is proved by a file
that is still being written: whoever wants more than the packet waits for ever. What many values cost is counted in lines of Python and in
bytes of memory, never in seconds.
"""

import hashlib
import random
import struct
import sys
from array import array

from practicum import Raised
from practicum.evidence import count
from practicum.remote import Handle, an_object

KIB = 1024
MIB = 1024 * KIB
MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
ORDERS = {"<": "little-endian", ">": "big-endian"}
SIZES = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8, "f": 4, "d": 8}
NATIVE = "<" if sys.byteorder == "little" else ">"

FILE_HEADER = "<IHHiIII", "magic", "version", "version", "time zone", "accuracy", "snaplen", "network"
PACKET_HEADER = "<IIII", "seconds", "fraction", "captured", "original"
ARRAY_HEADER = "<4sccQ", "mark", "type", "order", "count"

MANY_VALUES = 2_000_000
MANY_PAIRS = 500_000
LINES_MAX = 100_000
MEMORY_MAX = 48 * MIB


def pcap_read(exam):
    reads(exam, "<", packets(exam))
    reads(exam, "<", [])
    late = [(2**32 - 1 - exam.random.randrange(1000), exam.random.randrange(10**6), exam.random.randbytes(5))]
    with exam.during("a packet of the year 2106"):
        reads(exam, "<", late)
    full = [(seconds, microseconds, data[:40]) for seconds, microseconds, data in packets(exam)]
    with exam.during("a capture with a snaplen of 40, most packets cut to it"):
        reads(exam, "<", full, snaplen=40, original=900)


def pcap_swapped(exam):
    reads(exam, ">", packets(exam))


def live_capture(exam):
    records = exam.load("records.py")
    ours, theirs = exam.pair()
    ours.send(file_header("<"))
    got = exam.iterate(an_object(records.read_pcap(theirs.makefile("rb")), "read_pcap(f)"))
    for number, packet in enumerate(packets(exam), 1):
        ours.send(packet_record("<", packet))
        with exam.during(f"f is a pipe, and a capture is still being written to it: packet {number} is there, and no more yet"):
            try:
                same_packet(exam, plain(exam, next(got)), packet, number)
            except StopIteration:
                exam.fail("read_pcap came to its end instead of yielding the packet")
    ours.end()
    with exam.during("the pipe has come to its end after the last packet"):
        try:
            more = next(got)
        except StopIteration:
            return
        exam.fail(f"read_pcap yielded {more!r:.100}")


def pcap_write(exam):
    given = packets(exam)
    written(exam, given, 65535, {})
    written(exam, given, 45, {"snaplen": 45})
    with exam.during("packets come from a generator that looks at the file whenever it is asked for the next one"):
        lengths = beside(exam, "write_one_by_one", [int], packets=given)
        want = [24]
        for packet in given:
            want.append(want[-1] + len(packet_record("<", packet)))
        # The file's header may be written before the first packet is asked for, or after that.
        exam.equal(lengths[1:], want[1:], "how many bytes had been written each time after the first")


def truncated_tail(exam):
    cut_captures(exam)
    no_captures(exam)
    lying_captures(exam)
    cut_arrays(exam)


def nanosecond_magic(exam):
    for order in ORDERS:
        fine = [(seconds, exam.random.randrange(10**9), data) for seconds, _, data in packets(exam)]
        coarse = [(seconds, nanoseconds // 1000, data) for seconds, nanoseconds, data in fine]
        whole = file_header(order, magic=NANOSECONDS) + b"".join(packet_record(order, packet) for packet in fine)
        with exam.during(f"read_pcap of a {ORDERS[order]} capture with nanoseconds"):
            same_packets(exam, beside(exam, "read", [object], data=whole), coarse)


def array_roundtrip(exam):
    codes = exam.random.sample(list(SIZES), len(SIZES))
    for code, other in zip(codes, codes[1:] + codes[:1]):
        first, second = items(exam, code, exam.random.randint(1, 40)), items(exam, other, exam.random.choice([0, 3]))
        rest = exam.random.randbytes(20)
        with exam.during(f"save_array of {len(first) // SIZES[code]} items of type {code!r}"):
            saved = beside(exam, "save", {"file": bytes, "after": bytes}, code=code, data=first)
            fields = [*exam.fields(*ARRAY_HEADER), ("items", None)]
            exam.equal(saved["file"], array_file(code, NATIVE, first), "what was written", fields)
            exam.equal(saved["after"], first, "the items of the caller's array afterwards")
        with exam.during(f"load_array from a file with arrays of type {code!r} and {other!r} and 20 more bytes"):
            loaded = load(exam, array_file(code, NATIVE, first) + array_file(other, NATIVE, second) + rest, 2)
            same_array(exam, loaded, 0, code, first)
            same_array(exam, loaded, 1, other, second)
            exam.equal(loaded["rest"], rest, "what is still in the file after two calls")
    for code in "lL":
        with exam.during(f"save_array of an array of type {code!r}, whose items have another size elsewhere"):
            seen = beside(exam, "save_refused", {"raised": [str], "text": str, "file": bytes}, code=code, numbers=[1, 2, 3])
            assert "ValueError" in seen["raised"], f"it must raise ValueError; {raised_or_not(seen)}"
            exam.equal(seen["file"], b"", "what was written")


def foreign_order(exam):
    for code in exam.random.sample(list(SIZES), len(SIZES)):
        native = items(exam, code, exam.random.randint(2, 40))
        with exam.during(f"load_array from a big-endian file with items of type {code!r}"):
            same_array(exam, load(exam, array_file(code, ">", native)), 0, code, native)


def padding(exam):
    records = exam.load("records.py")
    for number in (1, 8, exam.random.randint(20, 60)):
        pairs = [(exam.random.randint(-(2**15), 2**15 - 1), exam.random.randrange(2**32)) for _ in range(number)]
        packed = b"".join(pair(exam, factor, amount) for factor, amount in pairs)
        want = sum(factor * amount for factor, amount in pairs)
        exam.equal(records.sum_pairs(packed), want, f"sum_pairs of {number} pairs in {len(packed)} bytes, {packed[:21]!r} and so on")
    exam.equal(records.sum_pairs(b""), 0, "sum_pairs of no bytes")
    for missing in (1, exam.random.randint(2, 6)):
        exam.raises("ValueError", records.sum_pairs, packed[:-missing])


def no_item_loop(exam):
    size = 4 * MANY_VALUES
    with exam.during(f"save_array of {MANY_VALUES} items of type 'I'"):
        cheaply(exam, "save_array", size, b"", "the file does not end with the items of the array")
    for order in ORDERS:
        with exam.during(f"load_array of {MANY_VALUES} items of type 'I' from a {ORDERS[order]} file"):
            cheaply(exam, "load_array", size, array_header("I", order, MANY_VALUES), "the array does not have the items of the file")
    with exam.during(f"sum_pairs of {MANY_PAIRS} pairs"):
        cheaply(exam, "sum_pairs", 7 * MANY_PAIRS)


# Captures


def packets(exam):
    """(seconds, microseconds, data) of some packets; one of them is empty."""
    lengths = [0, 1, exam.random.randint(60, 90), *(exam.random.randint(46, 300) for _ in range(2))]
    exam.random.shuffle(lengths)
    return [(exam.random.randrange(10**9, 2**31), exam.random.randrange(10**6), exam.random.randbytes(length)) for length in lengths]


def file_header(order, magic=MICROSECONDS, version=(2, 4), snaplen=65535):
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, 1)


def packet_record(order, packet, captured=None, original=None):
    seconds, fraction, data = packet
    captured = len(data) if captured is None else captured
    return struct.pack(order + "IIII", seconds, fraction, captured, original or captured) + data


def reads(exam, order, given, snaplen=65535, original=None):
    whole = file_header(order, snaplen=snaplen) + b"".join(packet_record(order, packet, original=original) for packet in given)
    with exam.during(f"read_pcap of a {ORDERS[order]} capture with {count(len(given), 'packet')}"):
        same_packets(exam, beside(exam, "read", [object], data=whole), given)


def same_packets(exam, got, want):
    for number, (left, right) in enumerate(zip(got, want), 1):
        same_packet(exam, left, right, number)
    exam.equal(len(got), len(want), "how many packets it yielded")


def same_packet(exam, got, want, number):
    if not (isinstance(got, tuple) and len(got) == 3):
        exam.fail(f"packet {number} must be (seconds, microseconds, data); it is {got!r:.100}")
    exam.equal(got[:2], want[:2], f"seconds and microseconds of packet {number}")
    exam.equal(got[2], want[2], f"data of packet {number}")


def plain(exam, packet):
    return tuple(packet) if isinstance(packet, list) else packet


def written(exam, given, snaplen, settings):
    want = [packet_record("<", (*packet[:2], packet[2][:snaplen]), original=len(packet[2])) for packet in given]
    said = ", ".join(["f", "packets", *(f"{name}={value}" for name, value in settings.items())])
    with exam.during(f"write_pcap({said}) of {len(given)} packets"):
        got = beside(exam, "write", bytes, packets=given, **settings)
        exam.equal(got[:24], file_header("<", snaplen=snaplen), "the file's header", exam.fields(*FILE_HEADER))
        at = 24
        for number, packet in enumerate(want, 1):
            end = None if number == len(want) else at + len(packet)
            fields = [*exam.fields(*PACKET_HEADER), ("data", None)]
            exam.equal(got[at:end], packet, f"packet {number}, of {count(len(given[number - 1][2]))}", fields)
            at += len(packet)


# Files that end too early, and files that lie


def cut_captures(exam):
    given = packets(exam)
    given[2] = (*given[2][:2], exam.random.randbytes(30))
    before = file_header("<") + packet_record("<", given[0]) + packet_record("<", given[1])
    third = packet_record("<", given[2])
    for cut in sorted({1, 8, 15, 16, 17, len(third) - 1, *exam.random.sample(range(len(third)), 3)} - {0}):
        where = f"{count(cut)} of its header" if cut < 16 else f"its header and {cut - 16} of its 30 bytes"
        broken(exam, before + third[:cut], given[:2], f"a capture that ends after two whole packets, and of a third one {where}")
    for cut in (0, 3, 4, exam.random.randint(5, 22), 23):
        broken(exam, before[:cut], [], f"{cut} of the 24 bytes of a header")


def no_captures(exam):
    rest = packet_record("<", packets(exam)[0])
    other = exam.random.choice([0x0A0D0D0A, 0xA1B2CD34, exam.random.randrange(2**31)])
    broken(exam, file_header("<", magic=other) + rest, [], f"a file that begins with {struct.pack('<I', other)!r}")
    for version in ((2, 3), (3, 4)):
        broken(exam, file_header("<", version=version) + rest, [], f"a capture of version {version[0]}.{version[1]}")


def lying_captures(exam):
    first, second = [(*packet[:2], exam.random.randbytes(40)) for packet in packets(exam)[:2]]
    before = file_header("<", snaplen=64) + packet_record("<", first)
    for captured in (65, 2**32 - 1 - exam.random.randrange(100), 2**31 + exam.random.randrange(100)):
        lie = packet_record("<", (*second[:2], exam.random.randbytes(100)), captured=captured)
        what = f"a capture with a snaplen of 64, whose second packet claims {captured} bytes"
        broken(exam, before + lie + packet_record("<", second), [first], what)


def broken(exam, data, want, what):
    with exam.during(f"read_pcap of {what}"):
        seen = beside(exam, "read_until_error", {"packets": [object], "raised": [str], "text": str}, data=data)
        if len(seen["packets"]) != len(want) or "ValueError" not in seen["raised"]:
            rule = f"it must yield {count(len(want), 'packet')} and then raise ValueError"
            exam.fail(f"{rule}; it yielded {len(seen['packets'])}, and {raised_or_not(seen)}")
        same_packets(exam, seen["packets"], want)


def raised_or_not(seen):
    return f"it raised {seen['raised'][0]}: {seen['text']}" if seen["raised"] else "it raised nothing"


def cut_arrays(exam):
    code = exam.random.choice("hHiIqQd")
    whole = array_file(code, exam.random.choice("<>"), items(exam, code, 6))
    for cut in sorted({0, 3, 5, 10, 13, 14, len(whole) - SIZES[code], len(whole) - 1, exam.random.randrange(15, len(whole))}):
        no_array(exam, whole[:cut], f"{cut} of the {len(whole)} bytes of an array of 6 items of type {code!r}")
    no_array(exam, b"ARR2" + whole[4:], "a file that begins with b'ARR2'")
    for other in "lux":
        no_array(exam, whole[:4] + other.encode() + whole[5:], f"an array of type {other!r}")
    no_array(exam, whole[:5] + b"=" + whole[6:], "an array with '=' as its byte order")


def no_array(exam, data, what):
    try:
        load(exam, data)
    except Raised as error:
        assert "ValueError" in error.bases, f"load_array of {what} must raise ValueError; it raised {error.said}"
        return
    exam.fail(f"load_array of {what} must raise ValueError; it returned an array")


# Arrays


def items(exam, code, number):
    """Bytes of that many items, as they lie in memory."""
    if code in "fd":
        return array(code, [exam.random.uniform(-1e6, 1e6) for _ in range(number)]).tobytes()
    return exam.random.randbytes(number * SIZES[code])


def native_items(code, order, data):
    values = array(code, data)
    if order != NATIVE:
        values.byteswap()
    return values.tobytes()


def array_header(code, order, number):
    return b"ARR1" + f"{code}{order}".encode() + struct.pack(order + "Q", number)


def array_file(code, order, native):
    """The file of an array whose items lie in memory like that."""
    return array_header(code, order, len(native) // SIZES[code]) + native_items(code, order, native)


def load(exam, data, number=1):
    loaded = beside(exam, "load", {"arrays": [{"kind": str, "code": object, "items": bytes}], "rest": bytes}, data=data, number=number)
    exam.equal(len(loaded["arrays"]), number, "how many arrays came back")
    return loaded


def same_array(exam, loaded, index, code, native):
    which = ("the first array", "the second array")[index]
    seen = loaded["arrays"][index]
    exam.equal(seen["kind"], "array", f"type of {which}")
    exam.equal(seen["code"], code, f"type code of {which}")
    exam.equal(seen["items"], native, f"items of {which}, as they lie in memory")


def pair(exam, factor, amount):
    return struct.pack("<hBI", factor, exam.random.randrange(256), amount)


# Many values


def cheaply(exam, name, size, header=b"", otherwise=None):
    seed = exam.random.randrange(2**32)
    job = beside(exam, "job", Handle, name=name, seed=seed, size=size, header=header)
    exam.memory_reset()
    before = exam.usage()["peak_bytes"]
    # A loop is welcome in sum_pairs.
    lines = job.counted(LINES_MAX) if otherwise else job.run()
    grown = exam.usage()["peak_bytes"] - before
    if otherwise and not (isinstance(lines, int) and lines <= LINES_MAX):
        exam.fail(f"more than {LINES_MAX} lines of Python were executed: there is a loop over the items")
    assert grown <= MEMORY_MAX, f"memory grew by {grown / MIB:.0f} MiB; at most {MEMORY_MAX // MIB} are allowed"
    if otherwise:
        # In which order is not asked here.
        data = random.Random(seed).randbytes(size)
        digests = [hashlib.sha256(native_items("I", order, data)).digest() for order in ORDERS]
        assert job.digest(size) in digests, otherwise


def beside(exam, function, shape, **given):
    """What a driver saw."""
    return exam.drive(f"drivers/beside.py:{function}", module="records.py", shape=shape, **given)
