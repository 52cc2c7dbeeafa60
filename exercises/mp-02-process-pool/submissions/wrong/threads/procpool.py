"""A pool of threads."""

import queue
import threading
import traceback
from itertools import islice


class WorkerDied(Exception):
    """The pool was terminated."""


class AsyncResult:
    def __init__(self, done):
        self._done = done
        self._finished = threading.Event()

    def get(self, timeout=None):
        if not self._finished.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value

    def ready(self):
        return self._finished.is_set()

    def ok(self):
        if not self.ready():
            raise ValueError("the task has not finished")
        return self._error is None

    def _finish(self, value=None, error=None):
        self._value, self._error = value, error
        self._finished.set()
        if self._done is not None:
            try:
                self._done(self)
            except Exception:
                traceback.print_exc()


class ProcPool:
    def __init__(self, n, init=None):
        self._tasks = queue.SimpleQueue()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, args=[init], daemon=True) for _ in range(n)]
        for thread in self._threads:
            thread.start()

    def apply_async(self, f, *args, done=None):
        if self._closed:
            raise ValueError("the pool is closed")
        result = AsyncResult(done)
        self._tasks.put((f, args, result))
        return result

    def map(self, f, items, chunk=1):
        items = iter(items)
        chunks = iter(lambda: list(islice(items, chunk)), [])
        results = [self.apply_async(call_for_each, f, part) for part in chunks]
        return [value for result in results for value in result.get()]

    def close(self):
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._tasks.put(None)

    def join(self):
        if not self._closed:
            raise ValueError("the pool is still open")
        for thread in self._threads:
            thread.join()

    def terminate(self):
        self.close()
        self.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminate()

    def _work(self, init):
        if init is not None:
            init()
        while (taken := self._tasks.get()) is not None:
            f, args, result = taken
            try:
                value = f(*args)
            except Exception as error:
                result._finish(error=error)
            else:
                result._finish(value)


def call_for_each(f, items):
    return [f(item) for item in items]
