"""Runs a client of the suite's in a simulated cluster, and tells how it ended where it ended by an exception."""

import os
import sys
import types
from importlib.machinery import SourceFileLoader

sys.path[0] = "/practicum"

import report

# The client finds what lies beside it, and `report`.
sys.path[:1] = ["/work", "/practicum"]
del sys.argv[0]
report._tell({"started": True})
path = os.path.join("/work", sys.argv[0])
module = sys.modules["__main__"] = types.ModuleType("__main__")
module.__file__ = path
try:
    # Unlike `runpy`, it takes what was compiled beforehand.
    exec(SourceFileLoader("__main__", path).get_code("__main__"), vars(module))
except Exception as mistake:
    if isinstance(mistake, (AssertionError, OSError, EOFError, MemoryError)):
        report._tell({"raised": type(mistake).__name__, "text": str(mistake), "is": "failure"})
    else:
        import traceback

        report._tell({"raised": type(mistake).__name__, "text": traceback.format_exc(), "is": "error"})
    raise
