# expect: wrong-answer runtime-error
import os

for number in range(256):
    try:
        os.write(number, b"\0\0\0\2\0\0\0\0\0\0\0\0{}" * 20)
    except OSError:
        pass


def double(number):
    return 2 * number
