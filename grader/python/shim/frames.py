"""The framing of every channel, Python end (see grader/src/channel.rs), and the tagged values that cross it.

    u32 head length | u32 tail length | u32 descriptors | head: JSON | tail: raw bytes      (big-endian)

Values cross as tagged JSON, never as pickles: plain JSON where JSON has the type, {"tag": ...} for the rest, bytes as a
place in the tail, and whatever has no plain form as a handle, a number that stands for an object of the sender.
"""

import array
import json
import math
import os
import re
import socket
import struct

HEAD_BYTES_MAX = 1 << 20
TAIL_BYTES_MAX = 64 << 20
DESCRIPTORS_MAX = 16
# Most descriptors that may have come before the frames they belong to are complete.
DESCRIPTORS_WAITING_MAX = 4 * DESCRIPTORS_MAX
# Brackets around brackets in a head, and the same of values.
BRACKETS_MAX = 127
DEPTH_MAX = 40
# A whole number has at most 4214 digits: the interpreter refuses to print more than 4300.
INT_BITS_MAX = 14_000
# Keys and members of one value: some of the same hash take the square of their number to tell apart.
HASHED_MAX = 10_000
# What a frame's bytes cost in memory at most, as read and once more as unpacked.
HEAD_WEIGHT, TAIL_WEIGHT = 50, 2
_HEADER = struct.Struct(">III")
# A string, which may hold brackets that are none, or a bracket.
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')
# An escape in a string: a whole pair of surrogates, half of one (the group), or any other.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]|(u[dD][89a-fA-F])|.)", re.DOTALL)


class Broken(Exception):
    """The peer does not keep to the framing."""


class Framing:
    """Bytes of a stream that are not yet frames. Knows no sockets, and a stream that was broken once stays broken."""

    def __init__(self):
        self._bytes = bytearray()
        self._broken = None
        # Most bytes of memory that the frames taken so far can cost whoever keeps all of them.
        self.weight = 0

    def feed(self, data):
        self._bytes += data

    def take(self):
        """The first frame if it is complete, as (head, tail, number of descriptors), or None."""
        if self._broken:
            raise self._broken
        try:
            return self._take()
        except Broken as broken:
            self.break_off(broken)
            raise

    def break_off(self, broken):
        """Nothing of this stream is believed from here on."""
        self._broken = broken
        self._bytes.clear()

    def _take(self):
        if len(self._bytes) < _HEADER.size:
            return None
        head, tail, descriptors = _HEADER.unpack_from(self._bytes)
        if head > HEAD_BYTES_MAX or tail > TAIL_BYTES_MAX or descriptors > DESCRIPTORS_MAX:
            raise Broken("a frame announces more than is allowed")
        start, end = _HEADER.size + head, _HEADER.size + head + tail
        if len(self._bytes) < end:
            return None
        try:
            value = parsed(self._bytes[_HEADER.size : start].decode())
        except (ValueError, RecursionError) as error:
            raise Broken(f"a frame's head is not JSON: {error}") from None
        content = bytes(memoryview(self._bytes)[start:end])
        del self._bytes[:end]
        self.weight += HEAD_WEIGHT * head + TAIL_WEIGHT * tail
        return value, content, descriptors


def parsed(text):
    """JSON as both ends read it: see grader/framing/src/lib.rs. ValueError where it is not."""
    value = _DECODER.decode(text)
    if "\\u" in text and any(escape[1] for escape in _ESCAPE.finditer(text)):
        raise ValueError("half a surrogate pair")
    if text.count("[") + text.count("{") > BRACKETS_MAX and _depth(text) > BRACKETS_MAX:
        raise ValueError("too many brackets around brackets")
    return value


def _depth(text):
    depth = deepest = 0
    for found in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _finite(text):
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number out of range")
    return number


def _whole(text):
    # What is longer may be out of range.
    if len(text) > 300:
        _finite(text)
    return int(text)


def _no_number(text):
    raise ValueError(f"{text} is not a number")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_int=_whole, parse_constant=_no_number)


class Channel:
    """Frames over one connected stream socket. `receive` blocks; `feed` and `take` are for those who poll."""

    def __init__(self, sock):
        self.socket = sock
        self.framing = Framing()
        self._descriptors = []

    def fileno(self):
        return self.socket.fileno()

    def send(self, head, tail=b"", descriptors=()):
        head = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
        data = _HEADER.pack(len(head), len(tail), len(descriptors)) + head + tail
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sent = self.socket.sendmsg([data], rights)
        if sent < len(data):
            self.socket.sendall(memoryview(data)[sent:])

    def receive(self):
        """The next frame as (head, tail, descriptors), or None at the end."""
        while True:
            frame = self.take()
            if frame is not None:
                return frame
            if not self.feed():
                return None

    def feed(self):
        """Reads once what there is; False at the end."""
        room = socket.CMSG_SPACE(DESCRIPTORS_MAX * 4)
        data, ancillary, _, _ = self.socket.recvmsg(1 << 16, room, socket.MSG_CMSG_CLOEXEC)
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                self._descriptors.extend(numbers)
        self.framing.feed(data)
        if len(self._descriptors) > DESCRIPTORS_WAITING_MAX:
            self._break_off("descriptors that no frame announces")
        return bool(data)

    def take(self):
        """The first complete frame already read, or None."""
        frame = self.framing.take()
        if frame is None:
            return None
        head, tail, number = frame
        if number > len(self._descriptors):
            self._break_off("a frame announces descriptors that did not come")
        taken, self._descriptors = self._descriptors[:number], self._descriptors[number:]
        return head, tail, taken

    def _break_off(self, reason):
        close(self._descriptors)
        self._descriptors = []
        broken = Broken(reason)
        self.framing.break_off(broken)
        raise broken


def close(descriptors):
    for descriptor in descriptors:
        os.close(descriptor)


class Packer:
    """Turns values into their tagged form. `handle(value)` names what has none, or raises TypeError."""

    def __init__(self, handle):
        self._handle = handle
        self.tail = bytearray()
        self.descriptors = []

    def pack(self, value, depth=0):
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return value if _is_whole(value) else self._bytes("str", value.encode("utf-8", "surrogatepass"))
        if kind is int and value.bit_length() <= INT_BITS_MAX:
            return value if value.bit_length() < 64 else {"int": hex(value)}
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind in (bytes, bytearray, memoryview):
            return self._bytes(kind.__name__, bytes(value))
        if depth < DEPTH_MAX:
            if kind is list:
                return [self.pack(item, depth + 1) for item in value]
            if kind in (tuple, set, frozenset):
                return {kind.__name__: [self.pack(item, depth + 1) for item in value]}
            if kind is dict:
                return {"dict": [[self.pack(key, depth + 1), self.pack(item, depth + 1)] for key, item in value.items()]}
        return self._handle(value, self)

    def _bytes(self, tag, value):
        place = [len(self.tail), len(value)]
        self.tail += value
        return {tag: place}


def _is_whole(text):
    """Whether it has no half of a surrogate pair, which no encoding of text knows."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Unpacker:
    """The way back. `handle(tagged)` gives a meaning to tags that are not values.

    Whatever was sent, the values take no more memory and time than an honest sender's could.
    """

    def __init__(self, tail, handle):
        self._tail = tail
        # Each byte of the tail belongs to one value.
        self._unclaimed = len(tail)
        self._handle = handle

    def unpack(self, value, depth=0):
        if depth > 2 * DEPTH_MAX:
            raise Broken("a value is nested too deeply")
        if isinstance(value, list):
            return [self.unpack(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        try:
            tag, content = next(iter(value.items()), (None, None))
            return self._tagged(tag, content, value, depth)
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            raise Broken(f"a tagged value is malformed: {error}") from None

    def _tagged(self, tag, content, value, depth):
        if tag in ("bytes", "bytearray", "memoryview"):
            data = self._claimed(*content)
            return bytearray(data) if tag == "bytearray" else data
        if tag == "str":
            return self._claimed(*content).decode("utf-8", "surrogatepass")
        if tag == "int":
            return self._int(content)
        if tag == "float":
            return float(content)
        if tag == "dict":
            return {self.unpack(key, depth + 1): self.unpack(item, depth + 1) for key, item in _hashable(content)}
        if tag in ("tuple", "set", "frozenset"):
            make = {"tuple": tuple, "set": set, "frozenset": frozenset}[tag]
            return make([self.unpack(item, depth + 1) for item in (content if tag == "tuple" else _hashable(content))])
        return self._handle(value)

    def _claimed(self, start, length):
        data = self._tail[start : start + length]
        self._unclaimed -= len(data)
        if start < 0 or len(data) != length or self._unclaimed < 0:
            raise ValueError("its bytes are not there")
        return data

    def _int(self, content):
        value = int(content, 16)
        if value.bit_length() > INT_BITS_MAX:
            raise ValueError("it has too many digits")
        return value


def _hashable(content):
    if len(content) > HASHED_MAX:
        raise ValueError(f"it has more than {HASHED_MAX} keys or members")
    return content
