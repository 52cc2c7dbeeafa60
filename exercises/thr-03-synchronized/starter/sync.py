"""Locks that cannot be forgotten, and locks that are taken in one order only."""
import threading
from contextlib import contextmanager


class OrderError(Exception):
    """A thread asked for a lock of lower rank than one that it holds."""


def synchronized(what=None, *, attr=None):
    """Decorator: @synchronized, @synchronized(lock) or @synchronized(attr="name")."""
    raise NotImplementedError


def ranked_lock(lock=None):
    raise NotImplementedError


@contextmanager
def acquiring(*locks):
    raise NotImplementedError
    yield
