# runtime-error: SystemExit
raise SystemExit(0)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
