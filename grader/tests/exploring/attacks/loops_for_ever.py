# wrong-answer: did not come to an end
while True:
    pass


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
