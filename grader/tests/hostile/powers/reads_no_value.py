# case: in-some-order
# expect: wrong-answer
# says: no order of these
# Results that JSON has no form for, and that compare as equal to anything.


class Anything(dict):
    def __eq__(self, other):
        return True


def deep():
    nest = []
    for _ in range(100):
        nest = [nest]
    return nest


class Register:
    def __init__(self):
        self.values = [float("inf"), "\udc80", b"x" * 5000, {1: {None}}, deep(), Anything(), 10**400]

    def write(self, value):
        pass

    def read(self):
        return self.values.pop()
