# expect: wrong-answer runtime-error
# Two processes that each believe to be the one that was asked.
import os


def double(number):
    os.fork()
    return 2 * number
