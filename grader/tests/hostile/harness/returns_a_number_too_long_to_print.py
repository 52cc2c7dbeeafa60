# expect: wrong-answer runtime-error


def double(number):
    return 10**5000
