"""Takes the lock first and then sees that it must not."""
import functools
import itertools
import threading
import types
from contextlib import ExitStack, contextmanager

_NAME = "_synchronized_lock"
_making = threading.Lock()
_ranks = itertools.count()
_here = threading.local()


class OrderError(Exception):
    """A thread asked for a lock of lower rank than one that it holds."""


def synchronized(what=None, *, attr=None):
    """Decorator: @synchronized, @synchronized(lock) or @synchronized(attr="name")."""
    if attr is not None:
        return lambda function: _decorate(function, lambda thing, *_: getattr(thing, attr))
    if hasattr(what, "acquire"):
        return lambda function: _decorate(function, lambda *_: what)
    return _decorate(what)


def _decorate(function, choose=None):
    if isinstance(function, staticmethod):
        return staticmethod(_Synchronized(function.__func__, choose))
    if isinstance(function, classmethod):
        return classmethod(_Synchronized(function.__func__, choose or _lock_of))
    return _Synchronized(function, choose)


class _Synchronized:
    """A function with a lock around each call: the one chosen by its arguments, or its own."""

    def __init__(self, function, choose):
        functools.update_wrapper(self, function)
        own = threading.RLock()
        self._by_default = choose is None
        self._choose = choose or (lambda *_: own)

    def __set_name__(self, owner, name):
        # Only what stands in the body of a class is told its name there: it is a method.
        if self._by_default:
            self._choose = _lock_of

    def __get__(self, instance, owner=None):
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args, **kwargs):
        with self._choose(*args):
            return self.__wrapped__(*args, **kwargs)


def _lock_of(thing, *_):
    """The one lock of an object or a class. It is made when it is first needed, which may be in two threads at once."""
    with _making:
        if _NAME not in vars(thing):
            setattr(thing, _NAME, threading.RLock())
        return vars(thing)[_NAME]


def ranked_lock(lock=None):
    return _RankedLock(threading.Lock() if lock is None else lock)


class _RankedLock:
    def __init__(self, lock):
        self.rank = next(_ranks)
        self._lock = lock

    def acquire(self):
        self._lock.acquire()
        if any(rank > self.rank for rank in _held()):
            raise OrderError(f"this thread holds a lock of a rank higher than {self.rank}")
        _held().append(self.rank)

    def release(self):
        _held().remove(self.rank)
        self._lock.release()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()


def _held():
    """The ranks of the locks that this thread holds."""
    return _here.__dict__.setdefault("ranks", [])


@contextmanager
def acquiring(*locks):
    with ExitStack() as taken:
        for lock in sorted(locks, key=lambda lock: lock.rank):
            taken.enter_context(lock)
        yield
