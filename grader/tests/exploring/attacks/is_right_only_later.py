# unstable: did not fail again
import os
import threading

first = not os.path.exists("/tmp/seen")
open("/tmp/seen", "a").write("x")
calm = os.path.getsize("/tmp/seen") > 30


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def add(self):
        if calm:
            with self.lock:
                self.value += 1
        else:
            self.value += 1
