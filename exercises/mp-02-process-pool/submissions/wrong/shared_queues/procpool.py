"""A pool of two queues that all workers share, and nobody who watches the workers: the task of a dead one stays pending for ever."""

import multiprocessing
import pickle
import threading
import traceback
from itertools import count, islice


class WorkerDied(Exception):
    """The pool was terminated."""


class RemoteError(Exception):
    """Stands for what cannot be unpickled here."""


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
        self._tasks = multiprocessing.Queue()
        self._answers = multiprocessing.SimpleQueue()
        self._numbers = count()
        self._results = {}
        self._lock = threading.Lock()
        self._closed = False
        arguments = (self._tasks, self._answers, init)
        self._workers = [multiprocessing.Process(target=work, args=arguments, daemon=True) for _ in range(n)]
        for worker in self._workers:
            worker.start()
        threading.Thread(target=self._collect, daemon=True).start()

    def apply_async(self, f, *args, done=None):
        task, result = pickle.dumps((f, args)), AsyncResult(done)
        with self._lock:
            if self._closed:
                raise ValueError("the pool is closed")
            number = next(self._numbers)
            self._results[number] = result
            self._tasks.put((number, task))
        return result

    def map(self, f, items, chunk=1):
        items = iter(items)
        chunks = iter(lambda: list(islice(items, chunk)), [])
        results = [self.apply_async(call_for_each, f, part) for part in chunks]
        return [value for result in results for value in result.get()]

    def close(self):
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._workers:
                    self._tasks.put(None)

    def join(self):
        if not self._closed:
            raise ValueError("the pool is still open")
        for worker in self._workers:
            worker.join()
        for result in list(self._results.values()):
            result._finished.wait()

    def terminate(self):
        with self._lock:
            self._closed = True
        for worker in self._workers:
            worker.kill()
            worker.join()
        for number in list(self._results):
            self._results.pop(number)._finish(error=WorkerDied("the pool was terminated"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminate()

    def _collect(self):
        while True:
            number, returned, outcome, trace = self._answers.get()
            try:
                outcome = pickle.loads(outcome)
            except Exception as error:
                returned, outcome = False, RemoteError(trace or repr(error))
            if returned:
                self._results.pop(number)._finish(outcome)
            else:
                outcome.__cause__ = RemoteError(trace)
                self._results.pop(number)._finish(error=outcome)


def work(tasks, answers, init):
    if init is not None:
        init()
    while (taken := tasks.get()) is not None:
        number, task = taken
        answers.put((number, *answer(task)))


def answer(task):
    try:
        f, args = pickle.loads(task)
        return True, pickle.dumps(f(*args)), ""
    except Exception as error:
        trace = traceback.format_exc()
        try:
            return False, pickle.dumps(error), trace
        except Exception:
            return False, b"", trace


def call_for_each(f, items):
    return [f(item) for item in items]
