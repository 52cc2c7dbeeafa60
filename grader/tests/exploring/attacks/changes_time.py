# wrong-answer: did not come to an end
import time

while time.monotonic() < 10**6:
    pass


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
