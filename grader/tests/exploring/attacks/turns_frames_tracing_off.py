# unstable: hiding a frame
import sys


def add_untraced(counter):
    frame = sys._getframe(1)
    frame.f_trace_opcodes = False
    frame.f_trace = None


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        add_untraced(self)
        self.value += 1
