# wrong-answer: its value: got
class Odd(int):
    def __eq__(self, other):
        raise SystemExit

    __hash__ = int.__hash__

    def __repr__(self):
        raise KeyError


class Counter:
    def __init__(self):
        self.value = Odd(0)

    def add(self):
        self.value = Odd(self.value + 1)
