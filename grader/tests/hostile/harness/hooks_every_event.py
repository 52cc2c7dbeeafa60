# expect: runtime-error runtime-error
import sys


def hook(event, arguments):
    raise SystemExit(0)


sys.addaudithook(hook)


def double(number):
    return open("/dev/null")
