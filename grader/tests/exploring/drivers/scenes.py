"""Scenes for two threads."""


def counted(lab, times):
    counter = lab.Counter()
    threads(*[lambda: [counter.add() for _ in range(times)]] * 2)
    return counter.value


def crossed(lab, amounts):
    one, other = lab.Account(10), lab.Account(10)
    threads(lambda: lab.transfer(one, other, amounts[0]), lambda: lab.transfer(other, one, amounts[1]))
    return [one.balance, other.balance]


def turns(lab):
    counter = lab.Counter()

    def act():
        counter.add()
        note(b"done")

    threads(act, act)


def worked(lab):
    return lab.work()
