"""A pool that watches its workers, which take their tasks from a queue that they share: one that is killed while it waits there
takes the lock of that queue with it."""

import multiprocessing
import pickle
import threading
import traceback
from itertools import count, islice
from multiprocessing.connection import wait


class WorkerDied(Exception):
    """The worker that had this task died, or the pool was terminated."""


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


class Worker:
    def __init__(self, tasks, init):
        self.answers, theirs = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=work, args=(tasks, theirs, init), daemon=True)
        self.process.start()
        theirs.close()
        # The task that it has taken.
        self.number = None


class ProcPool:
    def __init__(self, n, init=None):
        self._init = init
        self._tasks = multiprocessing.SimpleQueue()
        self._numbers = count()
        self._results = {}
        self._lock = threading.Lock()
        self._closed = self._terminated = False
        self._workers = [Worker(self._tasks, init) for _ in range(n)]
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

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
        self._watcher.join()

    def terminate(self):
        with self._lock:
            self._closed = self._terminated = True
        for worker in self._workers:
            worker.process.kill()
        self._watcher.join()
        for number in list(self._results):
            self._results.pop(number)._finish(error=WorkerDied("the pool was terminated"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminate()

    def _watch(self):
        while self._workers:
            ready = wait([worker.answers for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.answers in ready]:
                try:
                    self._hear(worker, *worker.answers.recv())
                except EOFError:
                    self._replace(worker)

    def _hear(self, worker, number, returned, outcome, trace):
        if returned is None:
            worker.number = number
            return
        worker.number = None
        try:
            outcome = pickle.loads(outcome)
        except Exception as error:
            returned, outcome = False, RemoteError(trace or repr(error))
        if returned:
            self._results.pop(number)._finish(outcome)
        else:
            outcome.__cause__ = RemoteError(trace)
            self._results.pop(number)._finish(error=outcome)

    def _replace(self, worker):
        worker.process.join()
        self._workers.remove(worker)
        if worker.number is not None:
            self._results.pop(worker.number)._finish(error=WorkerDied("a worker died at its task"))
        if not self._terminated and worker.process.exitcode != 100:
            self._workers.append(Worker(self._tasks, self._init))


def work(tasks, answers, init):
    if init is not None:
        init()
    while (taken := tasks.get()) is not None:
        number, task = taken
        answers.send((number, None, None, None))
        answers.send((number, *answer(task)))
    raise SystemExit(100)


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
