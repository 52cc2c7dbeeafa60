"""Waits for the second lock for a while, then refuses the transfer."""
import itertools
import threading
from contextlib import ExitStack, contextmanager

_numbers = itertools.count()


class Account:
    """What `_open` and `_balance` say is true whenever nobody holds the lock; they are read and changed only while it is held."""

    def __init__(self):
        self._number = next(_numbers)
        self._lock = threading.Lock()
        self._open = False
        self._balance = 0

    def open(self):
        with self._lock:
            if self._open:
                raise ValueError("the account is open already")
            self._open = True

    def close(self):
        with self._lock:
            self._need()
            self._open = False
            rest, self._balance = self._balance, 0
            return rest

    def deposit(self, amount):
        with self._lock:
            self._need()
            self._balance += positive(amount)

    def withdraw(self, amount):
        with self._lock:
            self._need(amount)
            self._balance -= positive(amount)

    def balance(self):
        with self._lock:
            self._need()
            return self._balance

    def _need(self, amount=0):
        """For those who hold the lock: the account must be open, with this much in it."""
        if not self._open:
            raise ValueError("the account is closed")
        if amount > self._balance:
            raise ValueError("there is not enough in the account")


def transfer(source, target, amount):
    if source is target:
        with source._lock:
            source._need(positive(amount))
        return
    with source._lock:
        if not target._lock.acquire(timeout=5):
            raise ValueError("the account is busy")
        try:
            source._need(amount)
            target._need()
            source._balance -= positive(amount)
            target._balance += amount
        finally:
            target._lock.release()


def total(accounts):
    accounts = list(accounts)
    with _all_locked(*accounts):
        for account in accounts:
            account._need()
        return sum(account._balance for account in accounts)


def positive(amount):
    if amount <= 0:
        raise ValueError("the amount must be positive")
    return amount


@contextmanager
def _all_locked(*accounts):
    """Holds the locks of all: each once, and in the same order wherever threads meet, so that they never wait in a circle."""
    with ExitStack() as locks:
        for account in sorted(set(accounts), key=lambda account: account._number):
            locks.enter_context(account._lock)
        yield
