# unstable: sys.settrace
import sys

try:
    sys.settrace(None)
except BaseException:
    pass


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
