"""No lock at all: in Python += is safe, is it not?"""


class Account:
    def __init__(self):
        self._open = False
        self._balance = 0

    def open(self):
        if self._open:
            raise ValueError("the account is open already")
        self._open = True

    def close(self):
        self._need()
        self._open = False
        rest, self._balance = self._balance, 0
        return rest

    def deposit(self, amount):
        self._need()
        self._balance += positive(amount)

    def withdraw(self, amount):
        self._need(amount)
        self._balance -= positive(amount)

    def balance(self):
        self._need()
        return self._balance

    def _need(self, amount=0):
        if not self._open:
            raise ValueError("the account is closed")
        if amount > self._balance:
            raise ValueError("there is not enough in the account")


def transfer(source, target, amount):
    source._need(amount)
    target._need()
    source._balance -= positive(amount)
    target._balance += amount


def total(accounts):
    accounts = list(accounts)
    for account in accounts:
        account._need()
    return sum(account._balance for account in accounts)


def positive(amount):
    if amount <= 0:
        raise ValueError("the amount must be positive")
    return amount
