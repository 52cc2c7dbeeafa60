"""Functions that travel to the workers of a pool, and a few that are called beside it. The suite puts this file into the work folder,
under a name that nobody can know, as it puts `gate` beside it. Decides nothing."""

import os
import signal
import threading

import gate

#: Calls of init in this process.
inits = 0
#: What `done` was called with in this process.
noted = []


def init():
    global inits
    inits += 1
    with open(os.path.join(os.path.dirname(__file__), "inits"), "a") as log:
        log.write(f"{os.getpid()}\n")


def where():
    return os.getpid()


def square(number):
    return number * number


def together(*args):
    return args


def backwards(data):
    return data[::-1]


def held(label, end="return"):
    """Stays at the gate until it is let go; then returns, or takes the worker with it."""
    gate.enter(f"{label} {os.getpid()} {inits}")
    die(end)
    return label


def stubborn(label):
    """The same, and deaf to SIGTERM."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return held(label)


def die(end):
    if end == "exit":
        os._exit(0)
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


class Last:
    """Its worker dies when it is to be pickled."""

    def __reduce__(self):
        os._exit(1)


def last():
    return Last()


# Exceptions


class Rejected(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self):
        return f"{self.text} (code {self.code})"


class Grudge(Exception):
    """Can be pickled, but not unpickled: that would call it with one argument."""

    def __init__(self, code, text):
        super().__init__(f"{text} (code {code})")


class Locked(Exception):
    """Cannot be pickled."""

    def __init__(self, code, text):
        super().__init__(f"{text} (code {code})")
        self.lock = threading.Lock()


def reject(kind, code, text):
    deep_inside(kind, code, text)


def deep_inside(kind, code, text):
    if kind in globals():
        raise globals()[kind](code, text)
    raise {"ValueError": ValueError, "KeyError": KeyError}[kind](text)


class RejectOdd:
    """A function of one number, for `map`."""

    def __init__(self, code, text):
        self.code = code
        self.text = text

    def __call__(self, number):
        if number % 2:
            raise Rejected(self.code, self.text)
        return number


# What pickle refuses


class Sealed:
    """Can be pickled, but not unpickled."""

    def __init__(self, text):
        self.text = text

    def __reduce__(self):
        return unseal, (self.text,)


def unseal(text):
    raise LookupError(f"nobody can open {text}")


def sealed(text):
    return Sealed(text)


def odd(kind):
    """An object that cannot be pickled."""
    if kind == "lock":
        return threading.Lock()
    if kind == "generator":
        return (number for number in range(3))
    return lambda: None


# Beside the pool


def counting(numbers):
    yield from numbers


def note(result):
    ok = result.ok()
    noted.append([os.getpid(), result.ready(), ok, result.get() if ok else None])


def stumble(result):
    raise LookupError("a done that raises")


def follow(pool, number):
    """A `done` that hands in a further task."""
    return lambda result: pool.apply_async(square, number, done=note)


def kill(workers):
    for pid in workers:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def leave(pool, label, leaving):
    """Leaves a with block in which a task was handed in, once the gate lets this thread go too."""
    with pool as entered:
        result = pool.apply_async(held, label)
        held(leaving)
        return [entered is pool, result]
