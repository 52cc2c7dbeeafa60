"""Accounts that several threads use at once, under every schedule that a search of bounded size gets to.

In `meet` a few threads make a few calls; what they were told, and the balances at the end, must be what one of the orders of these calls
gives. The orders are tried on `Books`, a model without threads. What a case is not about is left out of the comparison.
"""

from practicum import Raised

NAMES = "abc"


def single_thread(exam):
    big, small, part = amounts(exam, 30, 10, 5)
    bank = exam.load("bank.py")
    one, other = bank.Account(), bank.Account()
    with exam.during("an account that was never opened"):
        for call in ([one.balance], [one.close], [one.deposit, part], [one.withdraw, part]):
            exam.raises("ValueError", *call)
    one.open()
    exam.equal(one.balance(), 0, "the balance of an account that was just opened")
    one.deposit(big)
    one.withdraw(small)
    left = big - small
    exam.equal(one.balance(), left, f"{big} was put in and {small} taken out: the balance")
    with exam.during(f"an open account with {left} in it, and a closed one"):
        exam.raises("ValueError", one.open)
        for amount in (0, -part):
            exam.raises("ValueError", one.deposit, amount)
            exam.raises("ValueError", one.withdraw, amount)
        exam.raises("ValueError", one.withdraw, left + 1)
        for source, target in ((one, other), (other, one)):
            exam.raises("ValueError", bank.transfer, source, target, part)
        exam.raises("ValueError", bank.total, [one, other])
        exam.equal(one.balance(), left, "the balance after all that was refused")
    other.open()
    with exam.during(f"open accounts with {left} and 0 in them"):
        for amount in (0, -part, left + 1):
            exam.raises("ValueError", bank.transfer, one, other, amount)
        exam.equal([one.balance(), other.balance()], [left, 0], "the balances after all that was refused")
        exam.equal(bank.total([one, other]), left, "total() of both")
        exam.equal(bank.total([]), 0, "total() of no accounts")
    bank.transfer(one, other, part)
    exam.equal([one.balance(), other.balance()], [left - part, part], f"{part} of {left} went to an empty account: the balances")
    other.withdraw(part)
    exam.equal(other.balance(), 0, f"all {part} that were in an account were taken out: the balance")
    bank.transfer(one, other, left - part)
    exam.equal([one.balance(), other.balance()], [0, left - part], f"all {left - part} of an account went to an empty one: the balances")
    bank.transfer(other, one, left - part)
    exam.equal(one.close(), left - part, f"what close() returns for an account with {left - part} in it")
    with exam.during("an account that was closed"):
        exam.raises("ValueError", one.balance)
    one.open()
    exam.equal(one.balance(), 0, "the balance of an account that was closed and opened again")


def lost_update(exam):
    start, x, y = amounts(exam, 30, 10, 5)
    for meeting in (
        Meeting("two threads put money into one account", [start], [[put(0, x)], [put(0, y)]]),
        Meeting("one thread puts money in, another takes some out", [start], [[put(0, x)], [take(0, y)]]),
        Meeting("two threads transfer to the same account", [x, y, start], [[move(0, 2, x)], [move(1, 2, y)]]),
    ):
        explore(exam, meeting, whole)
    # With three there is one that comes in while another, which waited, is on its way.
    meeting = Meeting("three threads put money into one account", [start], [[put(0, x)], [put(0, y)], [put(0, x)]])
    explore(exam, meeting, whole, schedules=400)


def overdraft(exam):
    start, x, y = amounts(exam, 12, 8, 7)
    for meeting in (
        Meeting("there is enough for one of two withdrawals", [start], [[take(0, x)], [take(0, y)]]),
        Meeting("there is enough for one of two transfers", [start, 0, 0], [[move(0, 1, x)], [move(0, 2, y)]]),
    ):
        explore(exam, meeting, whole)


def transfer_total(exam):
    start, other, x = amounts(exam, 30, 20, 5)
    twice = [["total", [1, 0]], ["total", [0, 1]]]
    for doing, calls in (
        ("one thread asks for the total twice while another transfers between the accounts", [[move(0, 1, x)], twice]),
        ("one thread asks for the total twice while another carries money from one to the other", [[take(0, x), put(1, x)], twice]),
        ("two threads ask for the total", [[each] for each in twice]),
    ):
        explore(exam, Meeting(doing, [start, other], calls), answers)


def seen_midway(exam):
    start, other, x = amounts(exam, 30, 20, 5)
    for first, second in ((0, 1), (1, 0)):
        doing = "one thread asks for both balances while another transfers between the accounts"
        explore(exam, Meeting(doing, [start, other], [[move(0, 1, x)], [ask(first), ask(second)]]), answers)


def crossed_transfers(exam):
    start, less, much, x, y = amounts(exam, 30, 20, 15, 10, 5)
    back = "one thread transfers twice, so that the account with more becomes the one with less, and another transfers back"
    for meeting in (
        Meeting("two threads transfer between two accounts, each in its own direction", [start] * 2, [[move(0, 1, x)], [move(1, 0, y)]]),
        Meeting("three threads transfer round in a ring", [start] * 3, [[move(0, 1, x)], [move(1, 2, y)], [move(2, 0, x)]]),
        Meeting(back, [start, less], [[move(0, 1, much), move(0, 1, y)], [move(1, 0, y)]]),
    ):
        explore(exam, meeting, whole)


def self_transfer(exam):
    start, x = amounts(exam, 20, 10)
    bank = exam.load("bank.py")
    account = opened(bank, start)
    with exam.during(f"an account with {start} in it, from which money is transferred to itself"):
        bank.transfer(account, account, x)
        exam.equal(account.balance(), start, f"the balance after a transfer of {x}")
        for amount in (0, start + 1):
            exam.raises("ValueError", bank.transfer, account, account, amount)
        exam.equal(exam.background(account.balance).result(), start, "the balance that another thread is told")
    account.close()
    with exam.during("the account is closed"):
        exam.raises("ValueError", bank.transfer, account, account, x)


def lock_after_error(exam):
    start, x = amounts(exam, 20, 10)
    bank = exam.load("bank.py")
    for calls in (
        lambda account, closed: [account.deposit, 0],
        lambda account, closed: [account.deposit, None],
        lambda account, closed: [account.withdraw, -1],
        lambda account, closed: [account.withdraw, None],
        lambda account, closed: [account.withdraw, start + 1],
        lambda account, closed: [account.open],
        lambda account, closed: [closed.close],
        lambda account, closed: [closed.balance],
        lambda account, closed: [bank.transfer, account, closed, start + 1],
        lambda account, closed: [bank.transfer, account, closed, x],
        lambda account, closed: [bank.transfer, closed, account, x],
        lambda account, closed: [bank.transfer, account, opened(bank, start), None],
        lambda account, closed: [bank.total, [account, closed]],
    ):
        account, closed = opened(bank, start), bank.Account()
        method, *arguments = calls(account, closed)
        after_error(method, arguments)
        with exam.during(f"one thread called {method.words(arguments, {})}, with {start} in one account and another one closed; then"):
            exam.background(account.deposit, 2 * start).result()
            exam.background(closed.open).result()
            exam.background(bank.transfer, account, closed, x).result()
            for each in (account, closed):
                exam.background(each.balance).result()


def calling_out(exam):
    parts = exam.random.sample(range(10, 90), 4)
    wanted = sorted(parts)[1]
    with exam.during("total() of a generator that has another thread ask for balances before it yields an account"):
        run = exam.explore("drivers/asking.py:asked_by_another", module="bank.py", amounts=parts, wanted=wanted, schedules=10)
        want = sum(part for part in parts if part >= wanted)
        run.always(lambda got: exam.equal(got, want, f"the balances are {parts}; the total of those of {wanted} or more"))


def open_twice(exam):
    meeting = Meeting("two threads open the same account", [None], [[["open", 0]], [["open", 0]]])
    # A lock that is made when it is first needed takes two interruptions to go wrong.
    explore(exam, meeting, whole, preemptions=2, schedules=400)


def close_race(exam):
    start, other, x = amounts(exam, 30, 20, 5)
    for doing, *calls in (
        ("another puts money in", put(0, x)),
        ("another takes money out", take(0, x)),
        ("another asks for the balance", ask(0)),
        ("another transfers from it", move(0, 1, x)),
        ("another transfers to it", move(1, 0, x)),
        ("another asks for the total", ["total", [0, 1]]),
        ("another closes it too", ["close", 0]),
        ("another opens it and puts money in", ["open", 0], put(0, x)),
    ):
        explore(exam, Meeting(f"one thread closes an account, {doing}", [start, other], [[["close", 0]], calls]), whole)
    opening = Meeting("one thread opens an account, another puts money in twice", [None], [[["open", 0]], [put(0, x), put(0, other)]])
    explore(exam, opening, whole)


# Meetings and what may come of them


class Meeting:
    """Threads with a few calls each; accounts are named by their index."""

    def __init__(self, doing, balances, calls):
        self.doing = doing
        self.balances = balances
        self.calls = calls

    def __str__(self):
        accounts = ["is closed" if has is None else f"has {has}" for has in self.balances]
        return f"{self.doing} ({', '.join(map(' '.join, zip(NAMES, accounts)))})"


def explore(exam, meeting, part, schedules=200, preemptions=1):
    """`part` takes from an outcome what the case is about."""
    possible = [part(outcome) for outcome in outcomes(meeting)]
    scene = {"module": "bank.py", "balances": meeting.balances, "calls": meeting.calls}
    run = exam.explore("drivers/meeting.py:meet", schedules=schedules, preemptions=preemptions, **scene)
    with exam.during(str(meeting)):
        run.always(lambda seen: judge(exam, meeting, part, possible, seen))


def judge(exam, meeting, part, possible, seen):
    try:
        fits, words = part(seen) in possible, told(meeting, seen)
    except (AttributeError, KeyError, TypeError, ValueError):
        exam.fail("the program answered for itself what the driver asked of your functions")
    if not fits:
        exam.fail(f"{words}; no order of these calls gives that")


def whole(outcome):
    return outcome


def answers(outcome):
    return outcome["answers"]


def outcomes(meeting):
    """What each order of the calls gives, the calls of one thread staying in theirs."""
    threads = range(len(meeting.calls))
    for order in orders([len(own) for own in meeting.calls]):
        books, answers = Books(meeting.balances), [[] for _ in threads]
        for thread in order:
            answers[thread].append(books.answer(*meeting.calls[thread][len(answers[thread])]))
        yield {"answers": answers, "balances": [books.answer("balance", index) for index in range(len(meeting.balances))]}


def orders(left):
    if not any(left):
        yield []
    for thread, count in enumerate(left):
        if count:
            for rest in orders([each - (index == thread) for index, each in enumerate(left)]):
                yield [thread, *rest]


class Books:
    """The accounts as they are when calls come one after the other: None is closed."""

    def __init__(self, balances):
        self.balances = list(balances)

    def answer(self, name, *arguments):
        try:
            return getattr(self, name)(*arguments)
        except ValueError:
            return "ValueError"

    def balance(self, account, least=0):
        has = self.balances[account]
        if has is None or has < least:
            raise ValueError
        return has

    def open(self, account):
        if self.balances[account] is not None:
            raise ValueError
        self.balances[account] = 0

    def close(self, account):
        has = self.balance(account)
        self.balances[account] = None
        return has

    def deposit(self, account, amount):
        self.balances[account] = self.balance(account) + amount

    def withdraw(self, account, amount):
        self.balances[account] = self.balance(account, amount) - amount

    def transfer(self, source, target, amount):
        self.balance(target)
        self.withdraw(source, amount)
        self.deposit(target, amount)

    def total(self, accounts):
        return sum(self.balance(account) for account in accounts)


# Words


def told(meeting, seen):
    """What came of it, for the student: who was told what, and what is there at the end."""
    words = []
    for number, (own, heard) in enumerate(zip(meeting.calls, seen["answers"]), 1):
        words.append(f"thread {number}: " + ", ".join(f"{written(call)} {said(answer)}" for call, answer in zip(own, heard)))
    rest = [f"{written(ask(index))} {said(has)}" for index, has in enumerate(seen["balances"])]
    return "; ".join([*words, "at the end " + ", ".join(rest)])


def said(answer):
    if answer is None:
        return "returned"
    return "raised ValueError" if answer == "ValueError" else f"returned {answer!r}"


def written(call):
    """["transfer", 0, 1, 5] as transfer(a, b, 5), ["deposit", 0, 5] as a.deposit(5)."""
    name, *arguments = call
    if name == "total":
        return f"total([{', '.join(NAMES[index] for index in arguments[0])}])"
    if name == "transfer":
        source, target, amount = arguments
        return f"transfer({NAMES[source]}, {NAMES[target]}, {amount})"
    account, *rest = arguments
    return f"{NAMES[account]}.{name}({', '.join(map(str, rest))})"


def put(account, amount):
    return ["deposit", account, amount]


def take(account, amount):
    return ["withdraw", account, amount]


def move(source, target, amount):
    return ["transfer", source, target, amount]


def ask(account):
    return ["balance", account]


# Amounts and plain calls


def amounts(exam, *scales):
    """Different amounts in these proportions, each a little off."""
    factor = exam.random.randint(10, 30)
    return [scale * factor + exam.random.randrange(5) for scale in scales]


def opened(bank, balance):
    account = bank.Account()
    account.open()
    account.deposit(balance)
    return account


def after_error(method, arguments):
    """Makes a call that is to raise; whether it does is another case's business."""
    try:
        method(*arguments)
    except Raised:
        pass
