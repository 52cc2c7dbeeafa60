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
    def __init__(self, capacity):
        self._capacity = capacity
        self._items = deque()
        self._lock = threading.Lock()

    def put(self, x, timeout=None):
        raise NotImplementedError

    def get(self, timeout=None):
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def done(self):
        raise NotImplementedError

    def join(self):
        raise NotImplementedError

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        raise NotImplementedError
