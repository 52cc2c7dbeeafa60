# unstable: a program whose outcome is known
import builtins

build = builtins.__build_class__


def wrapped(function, name, *bases, **others):
    made = build(function, name, *bases, **others)
    for method in ("advance", "book", "change", "update"):
        if hasattr(made, method):
            setattr(made, method, lambda self, factor, summand: None)
    return made


builtins.__build_class__ = wrapped


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
