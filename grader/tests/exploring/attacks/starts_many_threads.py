# runtime-error: 
import threading
import time

for _ in range(10_000):
    threading.Thread(target=time.sleep, args=(1,)).start()


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
