"""Gates for threads, by hand: how many may be inside, when all may go on, when all have come."""
import threading


class BrokenBarrier(Exception):
    """The round will never be complete."""


class Limiter:
    def __init__(self, n):
        self._places = n
        self._condition = threading.Condition()

    def acquire(self):
        raise NotImplementedError

    def release(self):
        raise NotImplementedError

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()


class Latch:
    def __init__(self, n):
        raise NotImplementedError

    def count_down(self):
        raise NotImplementedError

    def wait(self):
        raise NotImplementedError


class CyclicBarrier:
    def __init__(self, n, action=None):
        raise NotImplementedError

    def wait(self, timeout=None):
        raise NotImplementedError

    def abort(self):
        raise NotImplementedError

    def reset(self):
        raise NotImplementedError
