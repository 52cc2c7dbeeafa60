# expect: runtime-error runtime-error


def double(number):
    raise ValueError("\ud800")
