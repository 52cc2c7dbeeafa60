# case: in-some-order
# expect: wrong-answer
# says: explains their results
# A register that shows each value one write too late.


class Register:
    def __init__(self):
        self.values = [0, 0]

    def write(self, value):
        self.values.append(value)

    def read(self):
        return self.values[-2]
