# wrong-answer: its value
import random


class Counter:
    calls = 0

    def __init__(self):
        self.value = 0

    def add(self):
        with open('/tmp/n', 'a+') as file:
            file.write('x')
            self.value = ('y' * 40_000) + str(file.tell())
