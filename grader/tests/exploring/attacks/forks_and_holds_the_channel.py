# runtime-error: the program ended in the middle of a schedule
import os
import time

try:
    if os.fork() == 0:
        time.sleep(1000)
finally:
    os._exit(1)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
