# expect: wrong-answer runtime-error
class Anything(int):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = int.__hash__


def double(number):
    return Anything()
