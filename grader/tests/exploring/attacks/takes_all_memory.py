# memory-limit: MiB of memory
hoard = []
while True:
    hoard.append(bytearray(1 << 24))


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
