# unstable: os.fork
import os

if os.fork() == 0:
    os._exit(0)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
