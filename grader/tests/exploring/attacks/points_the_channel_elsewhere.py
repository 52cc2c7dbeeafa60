# runtime-error: the program ended in the middle of a schedule
import os

os.dup2(os.open('/dev/null', os.O_RDWR), 3)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
