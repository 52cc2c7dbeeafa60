# expect: build-error build-error
def double(number)
    return 2 * number
