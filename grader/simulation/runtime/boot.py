"""Runs a file as `python3 FILE ARGUMENT…` does, in an interpreter that started long ago.

What a start would have drawn or looked up is done anew: the image froze what was there when it was made, and two programs, or
two lives of one, would else draw the same numbers.
"""

import atexit
import gc
import importlib.util
import linecache
import logging
import marshal
import os
import random
import sys
import tempfile
import time
import types
import uuid
from importlib.machinery import SourceFileLoader

import kept
import lacks

WORK = "/work"
# Where files lie that were compiled beforehand: as the import system would have left them. No program finds them beside its own.
COMPILED = "/pycache"


def main():
    """Returns the exit code."""
    wake()
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    code = run(module)
    return finish(code)


def wake():
    kept.hide_the_rest()
    random.seed(int.from_bytes(os.urandom(32)))
    tempfile._name_sequence = None
    uuid._node = uuid._last_timestamp = uuid._last_timestamp_v7 = None
    logging._startTime = time.time_ns()
    forget()
    sys.dont_write_bytecode = True
    sys.pycache_prefix = COMPILED
    sys.argv[:] = sys.argv[1:]
    sys.orig_argv[:] = ["python3", *sys.argv]
    if os.path.isdir(WORK):
        os.chdir(WORK)


def forget():
    """What was seen of disks. Done when the image is made as well, as to let go what is in it is dear."""
    linecache.clearcache()
    sys.path_importer_cache.clear()


def run(module):
    path = os.path.abspath(sys.argv[0])
    sys.path[:] = [os.path.dirname(path)]
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        print(f"python3: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        return 2
    module.__file__, module.__cached__ = path, None
    module.__loader__ = SourceFileLoader("__main__", path)
    module.__builtins__ = sys.modules["builtins"]
    try:
        exec(compiled(source, path) or compile(source, path, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as error:
        return exit_code(error.code)
    except BaseException as error:
        return died(error)
    return 0


def compiled(source, path):
    """What was made of this very text beforehand, if anything: to compile a program takes longer than to start it."""
    try:
        with open(importlib.util.cache_from_source(path), "rb") as file:
            kept = file.read()
    except OSError:
        return None
    if kept[:4] != importlib.util.MAGIC_NUMBER or kept[8:16] != importlib.util.source_hash(source):
        return None
    return marshal.loads(kept[16:])


def exit_code(wanted):
    if wanted is None:
        return 0
    if isinstance(wanted, int):
        return wanted & 0xFF
    print(wanted, file=sys.stderr)
    return 1


def died(error):
    # The first frame is `run`, and the last ones may be of what stands before the library: the program has never heard of them.
    error.__traceback__ = trace = error.__traceback__.tb_next
    while trace is not None and trace.tb_next is not None:
        if os.path.dirname(trace.tb_next.tb_frame.f_code.co_filename) == lacks.IMAGE:
            trace.tb_next = None
        trace = trace.tb_next
    sys.last_exc = error
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as wanted:
        return exit_code(wanted.code)
    except BaseException as another:
        sys.__excepthook__(type(another), another, another.__traceback__)
    what = lacks.named(error)
    if what is not None:
        flush()
        return lacks.say(what)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def finish(code):
    """What the end of an interpreter does: exit functions, then whatever the program's modules hold is let go."""
    atexit._run_exitfuncs()
    written = flush()
    for module in [module for module in sys.modules.values() if is_own(module)]:
        clear(vars(module))
    gc.collect()
    lost = not flush() or not written
    return 120 if lost and code == 0 else code


def is_own(module):
    return module.__name__ == "__main__" or (getattr(module, "__file__", None) or "").startswith(WORK)


def clear(names):
    """In the order of the interpreter: first what begins with one underscore."""
    for private in (True, False):
        for name in list(names):
            if (name.startswith("_") and not name.startswith("__")) == private and name != "__builtins__":
                names[name] = None


def flush():
    """Whether all that was written is out. A program may have closed its output, or have put something else there."""
    done = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:
            done = False
    return done
