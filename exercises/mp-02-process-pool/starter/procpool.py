"""A pool of worker processes that notices when one of them dies."""


class WorkerDied(Exception):
    """The worker that had this task died, or the pool was terminated."""


class AsyncResult:
    """What becomes of a task."""

    def get(self, timeout=None):
        """Waits until the task has finished; returns what it returned, raises what it raised."""
        raise NotImplementedError

    def ready(self):
        """Whether the task has finished."""
        raise NotImplementedError

    def ok(self):
        """Whether the task returned; raises ValueError before it has finished."""
        raise NotImplementedError


class ProcPool:
    """n worker processes, each of which calls init first."""

    def __init__(self, n, init=None):
        raise NotImplementedError

    def apply_async(self, f, *args, done=None):
        """Hands in the task f(*args) and returns its AsyncResult."""
        raise NotImplementedError

    def map(self, f, items, chunk=1):
        """The results of f for each item, in order; `chunk` items are one task."""
        raise NotImplementedError

    def close(self):
        """No more tasks."""
        raise NotImplementedError

    def join(self):
        """Waits until all tasks have finished and all workers have ended."""
        raise NotImplementedError

    def terminate(self):
        """Ends all workers at once."""
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminate()
