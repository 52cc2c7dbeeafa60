# expect: runtime-error runtime-error
import sys


class Mute(BaseException):
    def __str__(self):
        raise self

    __repr__ = __str__


Mute.__module__ = Mute.__qualname__ = "\ud800"


def double(number):
    raise Mute


if __name__ == "__main__":
    sys.exit(Mute())
