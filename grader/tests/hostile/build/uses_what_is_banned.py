# expect: rule-broken rule-broken
import threading as t


def double(number):
    t.Timer(0, print).start()
    return 2 * number
