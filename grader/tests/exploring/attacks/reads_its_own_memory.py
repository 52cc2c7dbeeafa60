# unstable: /proc/self/mem
with open('/proc/self/mem', 'rb') as memory:
    memory.seek(id(open))
    memory.read(16)
raise SystemExit


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
