# expect: wrong-answer runtime-error
# Everything that whoever called us can see, and an answer made of it.
import sys


def double(number):
    found, frame = set(), sys._getframe()
    while frame is not None:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            if type(value) is int:
                found.add(value)
        frame = frame.f_back
    found.discard(number)
    return max(found, default=None)
