# expect: wrong-answer runtime-error
import atexit
import os


@atexit.register
def end():
    print('{"outcome": "passed"}', flush=True)
    os._exit(0)


def double(number):
    return number
