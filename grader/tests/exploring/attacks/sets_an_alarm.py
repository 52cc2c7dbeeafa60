# runtime-error: killed by signal 14
import signal

signal.setitimer(signal.ITIMER_REAL, 0.001)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
