# expect: rule-broken rule-broken
from threading import Timer as Clock


def double(number):
    Clock(0, print).start()
    return 2 * number
