"""What the attack programs have in common, laid beside each of them.

A program tries what it must not be able to do and says `contained` when it met the wall that it expected, in the way
that it expected. System calls have the numbers of x86-64.
"""

import ctypes
import errno
import json
import os

_libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    """What a system call returns, or minus its error."""
    words = [it if isinstance(it, (bytes, ctypes.Array)) else ctypes.c_long(it) for it in arguments]
    result = _libc.syscall(ctypes.c_long(number), *words)
    return -ctypes.get_errno() if result == -1 else result


def refused(number, *arguments, error=errno.EPERM):
    """Holds that a system call meets the filter, or another error that is named."""
    result = call(number, *arguments)
    assert result == -error, f"call {number}{arguments}: {errno.errorcode.get(-result, result)}"


def fails(action, *errors):
    """Holds that an action raises OSError with one of these error numbers."""
    try:
        result = action()
    except OSError as error:
        assert error.errno in errors, f"{error!r} instead of {[errno.errorcode[number] for number in errors]}"
        return
    raise AssertionError(f"it returned {result!r}")


def until_refused(action, *errors, most):
    """How often an action succeeds before one of these errors; that it never fails is a failure."""
    for count in range(most):
        try:
            action()
        except OSError as error:
            assert error.errno in errors, error
            return count
    raise AssertionError(f"{most} times, and no limit")


def canaries():
    """What stands on the host for us to find, by name; nothing where no test has set it up."""
    try:
        with open("/work/canaries.json") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def contained():
    os.write(1, b"contained\n")
