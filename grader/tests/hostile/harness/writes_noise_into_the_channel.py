# expect: wrong-answer runtime-error
import os

try:
    os.write(3, b"\xff" * 4096)
except OSError:
    pass


def double(number):
    return 2 * number
