# expect: runtime-error runtime-error
import sys

sys.setrecursionlimit(1 << 30)


def double(number):
    return repr_of(number)


class Deep:
    def __repr__(self):
        return repr(self)


def repr_of(number):
    return repr(Deep())


double(1)
