# runtime-error: killed by signal 11
import sys

sys.setrecursionlimit(10**9)


def deeper():
    return deeper()


deeper()


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
