# expect: build-error build-error
# coding: nothing
def double(number):
    return 2 * number
