"""One lock for the whole bank, held while the code of an iterable runs."""
import threading

_everything = threading.Lock()


class Account:
    def __init__(self):
        self._lock = _everything
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
    with _everything:
        source._need(amount)
        target._need()
        source._balance -= positive(amount)
        target._balance += amount


def total(accounts):
    with _everything:
        found = 0
        for account in accounts:
            account._need()
            found += account._balance
        return found


def positive(amount):
    if amount <= 0:
        raise ValueError("the amount must be positive")
    return amount
