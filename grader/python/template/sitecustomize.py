"""Found by the interpreters that programs are forked from (grader/src/sandbox/python.rs), and by no other.

Loads what interpreters of this role load anyway and sets aside what they often load, then serves as their template.
What comes back from that is a process that is to run a program: it goes on as if there were no `sitecustomize`.
"""

import sys
from _frozen_importlib_external import PathFinder
from _imp import create_dynamic

FOLDER = "/practicum/template"
LIBRARY = "/practicum/library"

# What programs of this course import before they do anything.
SET_ASIDE = [
    *("argparse", "collections", "contextlib", "errno", "json", "queue", "re", "select", "selectors"),
    *("signal", "socket", "struct", "subprocess", "threading", "time", "traceback"),
]


class found_in:
    """Modules of these folders can be imported inside."""

    def __init__(self, *folders):
        self.folders = list(folders)

    def __enter__(self):
        sys.path[:0] = self.folders

    def __exit__(self, *_):
        del sys.path[: len(self.folders)]


def preload_module():
    with found_in(LIBRARY + "/shim"):
        import shim  # noqa: F401


def preload_build():
    with found_in(LIBRARY + "/shim"):
        import parse  # noqa: F401


def preload_examiner():
    with found_in(LIBRARY + "/examiner", LIBRARY + "/shim"):
        import examination  # noqa: F401
    # Clients that suites use.
    import asyncio
    import http.client  # noqa: F401


def fill_wardrobe(role):
    """Programs of students show what they have loaded; ours need not hide it."""
    if role not in ("submission", "module"):
        return None
    with found_in(FOLDER):
        import wardrobe
    del sys.modules["wardrobe"], sys.path_importer_cache[FOLDER]
    filled = wardrobe.Wardrobe()
    filled.fill(SET_ASIDE)
    return filled


def search_in_vain():
    """What a fresh interpreter has done by now: it has looked for this file in every folder."""
    for folder in sys.path:
        PathFinder._path_importer_cache(folder)


def freeze():
    """Leaves what is here to the template: forks neither look at it when they collect garbage, nor free it at their end.

    Either would copy page after page of it.
    """
    shown = "gc" in sys.modules
    import gc

    gc.collect()
    # The standard streams end as in any interpreter, which a thread that still reads one of them can see.
    everything = [held for held in gc.get_objects() if type(held).__module__ != "_io"]
    # A frozen cycle is never freed.
    everything.append(everything)
    gc.freeze()
    if not shown:
        del sys.modules["gc"]


def become_a_program(filled):
    spec = type(sys.__spec__)("practicum", None, origin=FOLDER + "/practicum.so")
    count, *words = create_dynamic(spec).serve().decode().split("\0")
    argv, bans = words[: int(count)], words[int(count) :]
    flags = len(sys.orig_argv) - 1
    sys.orig_argv[:] = argv
    sys.argv[:] = argv[flags:]
    threading = sys.modules.get("threading") or filled and filled.aside("threading")
    if threading:
        # A fork keeps the rest.
        threading._main_thread._set_native_id()
        threading._shutdown_locks.add(threading._main_thread._tstate_lock)
    if filled:
        filled.open(bans)


role = sys.argv[0].removeprefix("template-")
preload = globals().get("preload_" + role)
if preload:
    preload()
filled = fill_wardrobe(role)
search_in_vain()
freeze()
become_a_program(filled)
raise ImportError(name="sitecustomize")
