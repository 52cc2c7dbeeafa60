# expect: wrong-answer runtime-error
import sys


def trace(frame, event, argument):
    for name, value in frame.f_locals.items():
        if isinstance(value, dict) and "value" in value:
            value["value"] = 4
    return trace


sys.settrace(trace)
sys.setprofile(trace)


def double(number):
    return number
