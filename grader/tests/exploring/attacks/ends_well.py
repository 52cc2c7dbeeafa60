# runtime-error: the program ended in the middle of a schedule: exit code 0
import os

os._exit(0)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
