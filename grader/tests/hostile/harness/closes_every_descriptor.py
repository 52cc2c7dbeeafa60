# expect: runtime-error runtime-error
import os

os.closerange(0, 4096)


def double(number):
    return 2 * number
