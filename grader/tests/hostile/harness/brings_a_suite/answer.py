# expect: wrong-answer runtime-error
def double(number):
    return number
