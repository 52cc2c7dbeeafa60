"""A pool whose second generation of workers never calls init."""

import multiprocessing
import pickle
import queue
import threading
import traceback
from itertools import islice

# Held from the making of a pipe until the worker's end is closed here: a process forked in between would keep that end open.
forking = threading.Lock()


class WorkerDied(Exception):
    """The worker that had this task died, or the pool was terminated."""


class RemoteError(Exception):
    """Stands for what cannot be unpickled here."""


class RemoteTraceback(Exception):
    """Shows, as the cause of a task's exception, where in the worker it was raised."""


class AsyncResult:
    def __init__(self, done):
        self._done = done
        self._finished = threading.Event()
        self._value = self._error = None

    def get(self, timeout=None):
        if not self._finished.wait(timeout):
            raise TimeoutError("the task has not finished")
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
        # Pairs of a pickled task and its result, then one None for each keeper.
        self._tasks = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._workers = [Worker(init) for _ in range(n)]
        self._keepers = [threading.Thread(target=self._keep, args=[worker], daemon=True) for worker in self._workers]
        for keeper in self._keepers:
            keeper.start()

    def apply_async(self, f, *args, done=None):
        task, result = pickle.dumps((f, args)), AsyncResult(done)
        with self._lock:
            if self._closed:
                raise ValueError("the pool is closed")
            self._tasks.put((task, result))
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
                self._send_keepers_home()

    def join(self):
        if not self._closed:
            raise ValueError("the pool is still open")
        for keeper in self._keepers:
            keeper.join()

    def terminate(self):
        self.close()
        for _, result in self._drained():
            result._finish(error=WorkerDied("the pool was terminated before the task began"))
        self._send_keepers_home()
        for worker in self._workers:
            worker.kill()
        self.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminate()

    def _send_keepers_home(self):
        for _ in self._keepers:
            self._tasks.put(None)

    def _drained(self):
        """The tasks that nobody has taken."""
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            if task is not None:
                yield task

    def _keep(self, worker):
        while (taken := self._tasks.get()) is not None:
            task, result = taken
            try:
                value = worker.run(task)
            except Exception as error:
                result._finish(error=error)
            else:
                result._finish(value)
        worker.stop()


class Worker:
    """A worker process and the next one in its place, as often as it dies."""

    def __init__(self, init):
        self._init = init
        self._killed = False
        with forking:
            self._start()

    def run(self, task):
        """What the task returns; raises what it raises, or WorkerDied."""
        with forking:
            if not self._process.is_alive():
                self._init = None
                self._start()
        try:
            self._pipe.send_bytes(task)
            returned, outcome, trace = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            raise WorkerDied(f"a worker died at its task, exit code {self._process.exitcode}") from None
        try:
            outcome = pickle.loads(outcome)
        except Exception as error:
            raise RemoteError(trace or f"the result cannot be unpickled: {error!r}") from error
        if returned:
            return outcome
        raise outcome from RemoteTraceback("\n" + trace)

    def stop(self):
        """Lets the worker end and waits until it has."""
        try:
            self._pipe.send_bytes(b"")
        except OSError:
            pass
        self._process.join()
        self._pipe.close()

    def kill(self):
        with forking:
            self._killed = True
            self._process.kill()

    def _start(self):
        if self._killed:
            raise WorkerDied("the pool was terminated before the task began")
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=work, args=(self._pipe, theirs, self._init), daemon=True)
        self._process.start()
        theirs.close()


def work(ours, pipe, init):
    """The life of a worker: until an empty task comes, or the end of the pool's process."""
    ours.close()
    if init is not None:
        init()
    try:
        while task := pipe.recv_bytes():
            pipe.send(answer(task))
    except (EOFError, BrokenPipeError):
        pass


def answer(task):
    """Whether the task returned; what it returned or raised, pickled; and the traceback as text."""
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
