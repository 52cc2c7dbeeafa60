"""Writes and reads the items of an array one by one."""
import struct
import sys
from array import array
from itertools import starmap
from operator import mul

MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
VERSION = (2, 4)
ETHERNET = 1
FILE_HEADER = "IHHiIII"
PACKET_HEADER = "IIII"
#: What the first four bytes of a capture say: byte order, and fractions of a second in a microsecond.
MAGICS = {
    struct.pack(order + "I", magic): (order, unit) for order in "<>" for magic, unit in ((MICROSECONDS, 1), (NANOSECONDS, 1000))
}

ARRAY_MARK = b"ARR1"
TYPE_CODES = "bBhHiIqQfd"
NATIVE = "<" if sys.byteorder == "little" else ">"

PAIR = struct.Struct("<hxI")


def read_pcap(f):
    """Yields (seconds, microseconds, data) for each packet."""
    magic = _exactly(f, 4)
    if magic not in MAGICS:
        raise ValueError(f"no capture begins with {magic!r}")
    order, unit = MAGICS[magic]
    header, packet = struct.Struct(order + FILE_HEADER[1:]), struct.Struct(order + PACKET_HEADER)
    major, minor, _, _, snaplen, _ = header.unpack(_exactly(f, header.size))
    if (major, minor) != VERSION:
        raise ValueError(f"version {major}.{minor} of the format is not known")
    while head := f.read(packet.size):
        seconds, fraction, captured, _ = packet.unpack(head + _exactly(f, packet.size - len(head)))
        if captured > snaplen:
            raise ValueError(f"a packet claims {captured} bytes in a file of at most {snaplen} each")
        yield seconds, fraction // unit, _exactly(f, captured)


def write_pcap(f, packets, snaplen=65535):
    """Writes packets as a capture, each cut to snaplen bytes."""
    f.write(struct.pack("<" + FILE_HEADER, MICROSECONDS, *VERSION, 0, 0, snaplen, ETHERNET))
    packet = struct.Struct("<" + PACKET_HEADER)
    for seconds, microseconds, data in packets:
        captured = data[:snaplen]
        f.write(packet.pack(seconds, microseconds, len(captured), len(data)) + captured)


def save_array(f, values):
    """Writes an array as it lies in memory, behind a header."""
    if values.typecode not in TYPE_CODES:
        raise ValueError(f"items of type {values.typecode!r} have another size on other machines")
    f.write(ARRAY_MARK + f"{values.typecode}{NATIVE}".encode() + struct.pack(NATIVE + "Q", len(values)))
    for value in values:
        f.write(struct.pack(NATIVE + values.typecode, value))


def load_array(f):
    """Returns the next array of the file."""
    mark, code, order = struct.unpack("4scc", _exactly(f, 6))
    code, order = code.decode("latin-1"), order.decode("latin-1")
    if mark != ARRAY_MARK or code not in TYPE_CODES or order not in "<>":
        raise ValueError(f"no array begins with {mark!r}, {code!r}, {order!r}")
    (count,) = struct.unpack(order + "Q", _exactly(f, 8))
    values = array(code)
    item = struct.Struct(order + code)
    for _ in range(count):
        values.append(item.unpack(_exactly(f, item.size))[0])
    return values


def sum_pairs(buf):
    """Returns the sum of factor * amount over packed pairs."""
    if len(buf) % PAIR.size:
        raise ValueError(f"{len(buf)} bytes are no whole number of pairs")
    return sum(starmap(mul, PAIR.iter_unpack(buf)))


def _exactly(f, n):
    data = f.read(n)
    if len(data) < n:
        raise ValueError(f"the file ends {n - len(data)} bytes too early")
    return data
