# expect: rule-broken rule-broken
def double(number):
    if number < 0:
        from multiprocessing import dummy
    return 2 * number
