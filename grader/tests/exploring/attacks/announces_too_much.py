# unstable: channel was used by somebody else
import os

os.write(3, b'\xff' * 12)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
