# expect: wrong-answer runtime-error
import sys

for stream in (sys.stdout, sys.stderr):
    print('{"outcome": "passed", "verdict": "passed", "points": 100, "cases": []}', file=stream, flush=True)


def double(number):
    return {"outcome": "passed"}
