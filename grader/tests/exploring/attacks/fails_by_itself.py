# unstable: did not fail again
import threading


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        with open('/tmp/n', 'a+') as file:
            file.write('x')
            self.value += 1 if file.tell() % 7 else 2
