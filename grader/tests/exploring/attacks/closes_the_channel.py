# runtime-error: the program ended in the middle of a schedule
import os

os.close(3)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
