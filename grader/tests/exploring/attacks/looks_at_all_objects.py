# unstable: gc.get_objects
import gc

for it in gc.get_objects():
    pass


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
