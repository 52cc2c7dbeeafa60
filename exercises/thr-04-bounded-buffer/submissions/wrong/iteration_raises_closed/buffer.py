"""A bounded buffer between producers and consumers."""
import threading
from collections import deque


class Full(Exception):
    """There was no room in time."""


class Empty(Exception):
    """There was no item in time."""


class Closed(Exception):
    """The buffer is closed."""


class BoundedBuffer:
    """One lock guards everything; each of its conditions has one kind of waiter, so that a notify never wakes the wrong kind."""

    def __init__(self, capacity):
        self._capacity = capacity
        self._items = deque()
        self._undone = 0
        self._closed = False
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._filled = threading.Condition(self._lock)
        self._finished = threading.Condition(self._lock)

    def put(self, x, timeout=None):
        with self._lock:
            if not self._room.wait_for(lambda: self._closed or len(self._items) < self._capacity, timeout):
                raise Full
            if self._closed:
                raise Closed
            self._items.append(x)
            self._undone += 1
            self._filled.notify()

    def get(self, timeout=None):
        with self._lock:
            if not self._filled.wait_for(lambda: self._closed or self._items, timeout):
                raise Empty
            if not self._items:
                raise Closed
            x = self._items.popleft()
            self._room.notify()
            return x

    def close(self):
        with self._lock:
            self._closed = True
            self._room.notify_all()
            self._filled.notify_all()

    def done(self):
        with self._lock:
            if not self._undone:
                raise ValueError("done was called more often than put")
            self._undone -= 1
            if not self._undone:
                self._finished.notify_all()

    def join(self):
        with self._lock:
            self._finished.wait_for(lambda: not self._undone)

    def __len__(self):
        with self._lock:
            return len(self._items)

    def __iter__(self):
        while self._items or not self._closed:
            yield self.get()
