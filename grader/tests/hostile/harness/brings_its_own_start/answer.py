# expect: wrong-answer runtime-error
# What interpreters and test runners load of themselves where they find it.
def double(number):
    return number
