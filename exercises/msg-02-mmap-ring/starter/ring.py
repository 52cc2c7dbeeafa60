"""A ring of records in a file that processes share by mapping it."""
import mmap
import struct

HEADER = struct.Struct("<8sI4xQQQ24x")


class Ring:
    """One producer and one consumer may use it at the same time, each with a Ring of its own."""

    def __init__(self, file):
        self._map = mmap.mmap(file.fileno(), 0)

    @classmethod
    def create(cls, path, capacity):
        with open(path, "x+b") as file:
            file.write(HEADER.pack(b"MMAPRING", 1, capacity, 0, 0))
            file.flush()
            return cls(file)

    @classmethod
    def open(cls, path):
        with open(path, "r+b") as file:
            return cls(file)

    def push(self, payload):
        raise NotImplementedError

    def pop(self):
        raise NotImplementedError

    def peek(self):
        raise NotImplementedError

    def close(self):
        self._map.close()
