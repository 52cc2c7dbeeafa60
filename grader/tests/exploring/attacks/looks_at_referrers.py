# unstable: gc.get_referrers
import gc
import threading

found = gc.get_referrers(threading.Lock)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
