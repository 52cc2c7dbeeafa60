# expect: wrong-answer runtime-error
class Number:
    @property
    def __class__(self):
        return int

    def __eq__(self, other):
        return True

    def __index__(self):
        return 4

    __int__ = __hash__ = __index__


def double(number):
    return Number()
