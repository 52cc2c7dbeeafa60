"""Every power of `exam.explore`."""

from practicum import BLOCKED, integers, one_of


def counted(exam):
    run = exam.explore("drivers/scenes.py:counted", module="lab.py", times=2, at_least={"threads": 3})
    run.always(lambda seen: exam.equal(seen, 4, "two threads add 1 to a counter twice: its value"))


def transferred(exam):
    run = exam.explore("drivers/scenes.py:crossed", module="lab.py", amounts=[1, 2])
    with exam.during("two threads transfer crosswise"):
        run.always(lambda seen: exam.equal(seen, [11, 9], "the balances"))


def in_order(exam):
    size = {"new": [2], "threads": (2, 3), "per_thread": 3}
    calls = {"put": [integers(0, 9)], "get": []}
    # So many scenarios that whatever the seed one of them has what an `if` in place of a `while` needs: a get that waits, and who robs it.
    exam.explore("lab.py:Buffer", operations=calls, scenarios=10, schedules=100, **size).history.linearizable(Fifo)
    others = {"size": [], "tag": [one_of("a", "b")]}
    exam.explore("lab.py:Buffer", operations={**calls, **others}, scenarios=2, **size).history.linearizable(Fifo)


def noted(exam):
    run = exam.explore("drivers/scenes.py:turns", module="lab.py")
    orders = set()
    for seen in run.each():
        exam.equal(len(seen.notes), 2, "notes of two threads")
        orders.add(tuple(name for name, _ in seen.notes))
    exam.equal(len(orders), 2, "orders in which two threads note something")
    exam.equal(run.complete, 1, "preemptions up to which all schedules were run")


def joined(exam):
    exam.explore("drivers/scenes.py:worked", module="lab.py", schedules=100, forbid=["unjoined"])


def alone(exam):
    counter = exam.load("lab.py").Counter()
    counter.add()
    exam.equal(exam.get(counter, "value"), 1, "a counter to which 1 was added")


class Fifo:
    initial = []

    def step(self, state, operation, arguments):
        if operation == "put":
            return BLOCKED if len(state) == 2 else (state + arguments, None)
        if operation == "get":
            return (state[1:], state[0]) if state else BLOCKED
        return state, len(state) if operation == "size" else arguments[0]
