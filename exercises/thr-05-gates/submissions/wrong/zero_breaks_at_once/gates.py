"""Gates for threads, by hand: how many may be inside, when all may go on, when all have come."""
import threading


class BrokenBarrier(Exception):
    """The round will never be complete."""


class Limiter:
    """At most n threads are inside at a time."""

    def __init__(self, n):
        self._places = self._free = n
        self._left = threading.Condition()

    def acquire(self):
        with self._left:
            self._left.wait_for(lambda: self._free)
            self._free -= 1

    def release(self):
        with self._left:
            if self._free == self._places:
                raise ValueError("nobody is inside")
            self._free += 1
            self._left.notify()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()


class Latch:
    """Opens once, after n events, and stays open."""

    def __init__(self, n):
        self._missing = n
        self._opened = threading.Condition()

    def count_down(self):
        with self._opened:
            self._missing -= 1
            if self._missing <= 0:
                self._opened.notify_all()

    def wait(self):
        with self._opened:
            self._opened.wait_for(lambda: self._missing <= 0)


class Round:
    """One filling of a barrier. Those who wait keep their own round, so that the next one cannot confuse them."""

    def __init__(self):
        self.arrived = 0
        self.complete = False
        self.broken = False


class CyclicBarrier:
    """Nobody goes on before n threads have come; then the next n may."""

    def __init__(self, n, action=None):
        self._n = n
        self._action = action
        self._round = Round()
        self._changed = threading.Condition()

    def wait(self, timeout=None):
        with self._changed:
            mine = self._round
            if mine.broken:
                raise BrokenBarrier
            if timeout == 0:
                self._break(mine)
                raise BrokenBarrier
            index = mine.arrived
            mine.arrived += 1
            if mine.arrived == self._n:
                self._finish(mine)
            elif not self._changed.wait_for(lambda: mine.complete or mine.broken, timeout):
                self._break(mine)
            if mine.broken:
                raise BrokenBarrier
            return index

    def abort(self):
        with self._changed:
            self._break(self._round)

    def reset(self):
        with self._changed:
            self._break(self._round)
            self._round = Round()

    def _finish(self, last):
        try:
            if self._action:
                self._action()
        except BaseException:
            self._break(last)
            raise
        last.complete = True
        self._round = Round()
        self._changed.notify_all()

    def _break(self, broken):
        broken.broken = True
        self._changed.notify_all()
