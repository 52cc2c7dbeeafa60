# unstable: code.__new__
class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1


Counter.add.__code__ = Counter.add.__code__.replace(co_name='other')
