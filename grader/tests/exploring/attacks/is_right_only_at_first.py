# unstable: showed something else when it was repeated in a fresh process
import os
import threading

if not os.path.exists("/tmp/first"):
    with open("/tmp/first", "w") as file:
        file.write(str(os.getpid()))
right = open("/tmp/first").read() == str(os.getpid())


class Counter:
    def __init__(self):
        self.value = 0 if right else 1
        self.lock = threading.Lock()

    def add(self):
        with self.lock:
            self.value += 1
