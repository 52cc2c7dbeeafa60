import threading


class Counter:
    """Counts what several threads do."""

    def __init__(self):
        self.value = 0

    def increment(self):
        self.value += 1


def count(counter, times):
    for _ in range(times):
        counter.increment()
