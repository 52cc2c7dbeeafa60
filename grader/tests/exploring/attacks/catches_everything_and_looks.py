# wrong-answer: did not come to an end
import threading


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        while True:
            try:
                while True:
                    self.value
            except BaseException:
                pass
