# deadlock: which it holds itself
import threading

lock = threading.Lock()


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
        lock.acquire()
        while True:
            try:
                lock.acquire()
            except BaseException:
                pass
