"""A pool of threads that works off a queue of calls."""
import threading
import traceback
from collections import deque

WAITING, RUNNING, DONE, CANCELLED = "waiting", "running", "done", "cancelled"


class Cancelled(Exception):
    """The call was cancelled before it began."""


class Future:
    """What will become of a call."""

    def __init__(self):
        self._state = WAITING
        self._value = None
        self._error = None
        self._callbacks = []
        self._changed = threading.Condition()

    def result(self, timeout=None):
        self._wait(timeout)
        if self._error is not None:
            raise self._error
        return self._value

    def error(self):
        self._wait()
        return self._error

    def done(self):
        with self._changed:
            return self._over()

    def cancel(self):
        with self._changed:
            if self._state != WAITING:
                return self._state == CANCELLED
            callbacks = self._end(CANCELLED)
        self._tell(callbacks)
        return True

    def add_callback(self, f):
        with self._changed:
            if not self._over():
                self._callbacks.append(f)
                return
        self._tell([f])

    def _run(self, f, arguments):
        """Performs the call, unless it was cancelled. From here on it cannot be."""
        with self._changed:
            if self._state != WAITING:
                return
            self._state = RUNNING
        value = error = None
        try:
            value = f(*arguments)
        except BaseException as raised:
            error = raised
        with self._changed:
            self._value, self._error = value, error
            callbacks = self._end(DONE)
        self._tell(callbacks)

    def _over(self):
        return self._state in (DONE, CANCELLED)

    def _wait(self, timeout=None):
        with self._changed:
            if not self._changed.wait_for(self._over, timeout):
                raise TimeoutError
            if self._state == CANCELLED:
                raise Cancelled

    def _end(self, state):
        """Tells those who wait; returns the callbacks, which are called without the lock: they may use the future."""
        self._state = state
        self._changed.notify_all()
        return self._callbacks

    def _tell(self, callbacks):
        for callback in callbacks:
            try:
                callback(self)
            except BaseException:
                traceback.print_exc()


class ThreadPool:
    def __init__(self, n):
        self._calls = deque()
        self._closed = False
        self._changed = threading.Condition()
        self._workers = [threading.Thread(target=self._work) for _ in range(n)]
        for worker in self._workers:
            worker.start()

    def submit(self, f, *a):
        future = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the pool is shut down")
            self._calls.append((future, f, a))
            self._changed.notify()
        return future

    def map(self, f, it):
        items, results = list(it), []
        n = len(self._workers)
        for i in range(0, len(items), n):
            futures = [self.submit(f, item) for item in items[i:i + n]]
            results += [future.result() for future in futures]
        return results

    def shutdown(self, wait=True, cancel=False):
        with self._changed:
            self._closed = True
            waiting = [future for future, _, _ in self._calls]
            self._changed.notify_all()
        if cancel:
            for future in waiting:
                future.cancel()
        if wait:
            for worker in self._workers:
                worker.join()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.shutdown()

    def _work(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._calls or self._closed)
                if not self._calls:
                    return
                future, f, arguments = self._calls.popleft()
            future._run(f, arguments)
