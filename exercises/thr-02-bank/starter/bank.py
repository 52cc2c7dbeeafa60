"""Bank accounts that many threads use at once."""
import threading


class Account:
    def __init__(self):
        self._lock = threading.Lock()
        self._open = False
        self._balance = 0

    def open(self):
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def deposit(self, amount):
        raise NotImplementedError

    def withdraw(self, amount):
        raise NotImplementedError

    def balance(self):
        raise NotImplementedError


def transfer(source, target, amount):
    raise NotImplementedError


def total(accounts):
    raise NotImplementedError
