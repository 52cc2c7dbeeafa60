"""Waits by asking every hundredth of a second."""
import threading
import time
from collections import deque


class Full(Exception):
    """There was no room in time."""


class Empty(Exception):
    """There was no item in time."""


class Closed(Exception):
    """The buffer is closed."""


class BoundedBuffer:
    def __init__(self, capacity):
        self._capacity = capacity
        self._items = deque()
        self._undone = 0
        self._closed = False
        self._lock = threading.Lock()
        self._finished = threading.Condition(self._lock)

    def put(self, x, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                if self._closed:
                    raise Closed
                if len(self._items) < self._capacity:
                    self._items.append(x)
                    self._undone += 1
                    return
            if deadline is not None and time.monotonic() >= deadline:
                raise Full
            time.sleep(0.01)

    def get(self, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                if self._items:
                    return self._items.popleft()
                if self._closed:
                    raise Closed
            if deadline is not None and time.monotonic() >= deadline:
                raise Empty
            time.sleep(0.01)

    def close(self):
        with self._lock:
            self._closed = True

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
        try:
            while True:
                yield self.get()
        except Closed:
            return
