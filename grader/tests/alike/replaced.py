import sys
import types

fake = types.ModuleType("select")
fake.fake = True
sys.modules["select"] = fake
try:
    import selectors

    print(selectors.select is fake, sys.modules["select"] is fake)
except AttributeError as error:
    print(error)


class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name == "json":
            raise ImportError("no json here")


sys.meta_path.insert(0, Refuses())
try:
    import json
except ImportError as error:
    print(error)
import threading

print(threading.main_thread().name)
