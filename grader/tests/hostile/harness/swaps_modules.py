# expect: wrong-answer runtime-error
import sys
import types


class Liar(types.ModuleType):
    def __getattr__(self, name):
        return lambda *args, **kwargs: True


for name in list(sys.modules):
    if name not in ("builtins", "sys", "__main__"):
        sys.modules[name] = Liar(name)


def double(number):
    return number
