"""A pool of threads that works off a queue of calls."""
import threading


class Cancelled(Exception):
    """The call was cancelled before it began."""


class Future:
    """What will become of a call."""

    def result(self, timeout=None):
        raise NotImplementedError

    def error(self):
        raise NotImplementedError

    def done(self):
        raise NotImplementedError

    def cancel(self):
        raise NotImplementedError

    def add_callback(self, f):
        raise NotImplementedError


class ThreadPool:
    def __init__(self, n):
        self._workers = []

    def submit(self, f, *a):
        raise NotImplementedError

    def map(self, f, it):
        raise NotImplementedError

    def shutdown(self, wait=True, cancel=False):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.shutdown()
