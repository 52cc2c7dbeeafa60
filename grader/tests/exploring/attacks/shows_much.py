# wrong-answer: its value
class Counter:
    def __init__(self):
        self.value = 'x' * 10_000_000

    def add(self):
        self.value += 'y'
