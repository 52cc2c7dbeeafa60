import asyncio
import queue
import struct


class Box:
    def __init__(self, size):
        if size < 0:
            raise ValueError("a box has no negative size")
        self._items = queue.Queue(size)

    def put(self, item):
        self._items.put(item)

    def get(self):
        return self._items.get()


def send_all(sock, data):
    sock.sendall(data)


def pack(kind, body):
    return b"PX" + struct.pack(">HI", kind, len(body)) + body + bytes([sum(body) % 256])


class Cup:
    """Tasks pour into it."""

    def __init__(self):
        self.content = 0
        self.turn = asyncio.Lock()

    async def pour(self, amount):
        async with self.turn:
            before = self.content
            await asyncio.sleep(0.1)
            self.content = before + amount
