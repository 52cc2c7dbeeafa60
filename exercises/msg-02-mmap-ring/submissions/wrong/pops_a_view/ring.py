"""Saves the copy in pop, too."""
import mmap
import os
import struct

MAGIC, VERSION = b"MMAPRING", 1
HEADER = struct.Struct("<8sI4xQQQ24x")
COUNTERS = slice(24, 40)
HEAD, TAIL = 0, 1
LENGTH = struct.Struct("<I")


class Ring:
    """One producer and one consumer may use it at the same time, each with a Ring of its own."""

    def __init__(self, file):
        self._map = mmap.mmap(file.fileno(), 0)
        self._capacity = len(self._map) - HEADER.size
        self._overlay()

    @classmethod
    def create(cls, path, capacity):
        with open(path, "x+b") as file:
            file.write(HEADER.pack(MAGIC, VERSION, capacity, 0, 0))
            file.truncate(HEADER.size + capacity)
            return cls(file)

    @classmethod
    def open(cls, path):
        with open(path, "r+b") as file:
            _check(file.read(HEADER.size), os.fstat(file.fileno()).st_size)
            return cls(file)

    def push(self, payload):
        record = LENGTH.pack(len(payload)) + payload
        if len(record) > self._capacity:
            raise ValueError(f"a payload of {len(payload)} bytes never fits into a ring of {self._capacity}")
        head, tail = self._counters
        if len(record) > self._capacity - (tail - head):
            return False
        self._write(tail, record)
        self._counters[TAIL] = tail + len(record)
        return True

    def pop(self):
        found = self._next()
        if found is None:
            return None
        start, length = found
        memory = memoryview(self._map)
        pieces = [memory[place] for place in self._places(start, length)]
        self._counters[HEAD] = start + length
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def peek(self):
        found = self._next()
        if found is None:
            return None
        memory = memoryview(self._map)
        return [memory[place] for place in self._places(*found)]

    def close(self):
        # Our own view would be in the way. It must be there again if somebody else's is.
        self._counters.release()
        try:
            self._map.close()
        except BufferError:
            self._overlay()
            raise

    def _overlay(self):
        # An item of this view is eight bytes that change at once: nobody sees half of a number.
        self._counters = memoryview(self._map)[COUNTERS].cast("Q")

    def _next(self):
        """Where the next payload begins and how long it is, or None."""
        head, tail = self._counters
        if head == tail:
            return None
        (length,) = LENGTH.unpack(self._read(head, LENGTH.size))
        if LENGTH.size + length > tail - head:
            raise ValueError(f"a record claims {length} bytes, but only {tail - head} are in use")
        return head + LENGTH.size, length

    def _places(self, start, length):
        """Where in the file `length` bytes from byte number `start` on are: one slice, or two over the edge."""
        first = start % self._capacity
        end = first + length
        places = [slice(HEADER.size + first, HEADER.size + min(end, self._capacity))]
        if end > self._capacity:
            places.append(slice(HEADER.size, HEADER.size + end - self._capacity))
        return places

    def _read(self, start, length):
        return b"".join(self._map[place] for place in self._places(start, length))

    def _write(self, start, data):
        for place in self._places(start, len(data)):
            size = place.stop - place.start
            self._map[place], data = data[:size], data[size:]


def _check(header, size):
    if len(header) < HEADER.size:
        raise ValueError(f"a file of {size} bytes is no ring")
    magic, version, capacity, head, tail = HEADER.unpack(header)
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"{magic!r}, version {version}, is no ring of version {VERSION}")
    if size != HEADER.size + capacity:
        raise ValueError(f"a ring of {capacity} bytes in a file of {size} bytes")
    if not 0 <= tail - head <= capacity:
        raise ValueError(f"head {head} and tail {tail} in a ring of {capacity} bytes")
