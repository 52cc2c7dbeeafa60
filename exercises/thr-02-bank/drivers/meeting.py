"""Threads that meet at accounts, under a scheduler. Decides nothing.

An account is named by its index, a call by its name and arguments: ["withdraw", 0, 5], ["transfer", 0, 1, 5], ["total", [1, 0]].
"""


def meet(bank, balances, calls):
    """`calls` holds one list of calls for each thread; None among `balances` is an account that is closed."""
    accounts = [account(bank, balance) for balance in balances]
    answers = threads(*(lambda own=own: [answer(bank, accounts, *call) for call in own] for own in calls))
    for raised in answers:
        if isinstance(raised, BaseException):
            raise raised
    return {"answers": answers, "balances": [answer(bank, accounts, "balance", index) for index in range(len(accounts))]}


def account(bank, balance):
    made = bank.Account()
    if balance is not None:
        made.open()
        if balance:
            made.deposit(balance)
    return made


def answer(bank, accounts, name, *arguments):
    """What the call returned, of those that are to return something."""
    try:
        if name == "total":
            return plain(bank.total([accounts[index] for index in arguments[0]]))
        if name == "transfer":
            source, target, amount = arguments
            bank.transfer(accounts[source], accounts[target], amount)
            return None
        index, *rest = arguments
        value = getattr(accounts[index], name)(*rest)
        return plain(value) if name in ("balance", "close") else None
    except ValueError:
        return "ValueError"


def plain(value):
    return value if type(value) in (int, float, str, bool, type(None)) else f"an object of type {type(value).__name__}"
