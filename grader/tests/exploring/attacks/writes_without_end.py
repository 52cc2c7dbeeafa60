# output-limit: bytes of output
while True:
    print('x' * 10000)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
