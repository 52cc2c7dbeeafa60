"""The framing of every channel, Python end (see grader/src/channel.rs), and the tagged values that cross it.

    u32 head length | u32 tail length | u32 descriptors | head: JSON | tail: raw bytes      (big-endian)

Values cross as tagged JSON, never as pickles: plain JSON where JSON has the type, {"tag": ...} for the rest, bytes as a
place in the tail, and whatever has no plain form as a handle, a number that stands for an object of the sender.
"""

import array
import json
import math
import socket
import struct

HEAD_BYTES_MAX = 1 << 20
TAIL_BYTES_MAX = 64 << 20
DESCRIPTORS_MAX = 16
DEPTH_MAX = 40
_HEADER = struct.Struct(">III")


class Broken(Exception):
    """The peer does not keep to the framing."""


class Channel:
    """Frames over one connected stream socket. `receive` blocks; `feed` and `take` are for those who poll."""

    def __init__(self, sock):
        self.socket = sock
        self._bytes = bytearray()
        self._descriptors = []

    def fileno(self):
        return self.socket.fileno()

    def send(self, head, tail=b"", descriptors=()):
        head = json.dumps(head, separators=(",", ":")).encode()
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
        self._bytes += data
        return bool(data)

    def take(self):
        """The first complete frame already read, or None."""
        if len(self._bytes) < _HEADER.size:
            return None
        head, tail, descriptors = _HEADER.unpack_from(self._bytes)
        if head > HEAD_BYTES_MAX or tail > TAIL_BYTES_MAX or descriptors > DESCRIPTORS_MAX:
            raise Broken("a frame announces more than is allowed")
        end = _HEADER.size + head + tail
        if len(self._bytes) < end:
            return None
        if len(self._descriptors) < descriptors:
            raise Broken("a frame announces descriptors that did not come")
        content = bytes(self._bytes[_HEADER.size : end])
        del self._bytes[:end]
        taken, self._descriptors = self._descriptors[:descriptors], self._descriptors[descriptors:]
        try:
            return json.loads(content[:head]), content[head:], taken
        except (ValueError, RecursionError) as error:
            raise Broken(f"a frame's head is not JSON: {error}") from None


class Packer:
    """Turns values into their tagged form. `handle(value)` names what has none, or raises TypeError."""

    def __init__(self, handle):
        self._handle = handle
        self.tail = bytearray()
        self.descriptors = []

    def pack(self, value, depth=0):
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if value.bit_length() < 64 else {"int": hex(value)}
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind in (bytes, bytearray, memoryview):
            return self._bytes(kind.__name__, value)
        if depth < DEPTH_MAX:
            if kind is list:
                return [self.pack(item, depth + 1) for item in value]
            if kind in (tuple, set, frozenset):
                return {kind.__name__: [self.pack(item, depth + 1) for item in value]}
            if kind is dict:
                return {"dict": [[self.pack(key, depth + 1), self.pack(item, depth + 1)] for key, item in value.items()]}
        return self._handle(value, self)

    def _bytes(self, tag, value):
        value = bytes(value)
        place = [len(self.tail), len(value)]
        self.tail += value
        return {tag: place}


class Unpacker:
    """The way back. `handle(tagged)` gives a meaning to tags that are not values."""

    def __init__(self, tail, handle):
        self._tail = tail
        self._handle = handle

    def unpack(self, value, depth=0):
        if depth > 2 * DEPTH_MAX:
            raise Broken("a value is nested too deeply")
        if isinstance(value, list):
            return [self.unpack(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        try:
            return self._tagged(value, depth)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise Broken(f"a tagged value is malformed: {error}") from None

    def _tagged(self, value, depth):
        tag, content = next(iter(value.items()))
        if tag in ("bytes", "bytearray", "memoryview"):
            start, length = content
            data = self._tail[start : start + length]
            return bytearray(data) if tag == "bytearray" else data
        if tag == "int":
            return int(content, 16)
        if tag == "float":
            return float(content)
        if tag == "dict":
            return {self.unpack(key, depth + 1): self.unpack(item, depth + 1) for key, item in content}
        if tag in ("tuple", "set", "frozenset"):
            make = {"tuple": tuple, "set": set, "frozenset": frozenset}[tag]
            return make([self.unpack(item, depth + 1) for item in content])
        return self._handle(value)
