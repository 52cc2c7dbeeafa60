"""Iterables for total() that are no lists, under a scheduler. Decides nothing."""
import threading


def asked_by_another(bank, amounts, wanted):
    """Total of those with at least `wanted`, picked one by one by a thread of its own that asks all of them each time."""
    accounts = []
    for amount in amounts:
        accounts.append(bank.Account())
        accounts[-1].open()
        accounts[-1].deposit(amount)
    return plain(bank.total(rich(accounts, wanted)))


def rich(accounts, wanted):
    for account in accounts:
        balances = []
        clerk = threading.Thread(target=lambda: balances.extend(each.balance() for each in accounts))
        clerk.start()
        clerk.join()
        if balances[accounts.index(account)] >= wanted:
            yield account


def plain(value):
    return value if type(value) in (int, float, str, bool, type(None)) else f"an object of type {type(value).__name__}"
