# runtime-error: killed by signal 9
import os
import signal

os.kill(os.getpid(), signal.SIGKILL)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
