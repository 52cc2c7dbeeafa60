"""What the runtime's image is made from: this module is imported once, when the image is made, and everything that has been
imported by then is in it. At run time nothing of the standard library is read from a disk any more.
"""

import gc
import importlib
import pkgutil
import sys
import warnings

import wit_world

import alone
import boot
import files
import kept
import lacks
import sockets

# They print, ask for a screen, or are no use to a program that runs alone.
LEFT_OUT = {
    "_android_support", "_apple_support", "_ios_support", "antigravity", "ensurepip", "idlelib", "pydoc_data", "test", "this", "tkinter",
    "turtle", "turtledemo", "venv",
}  # fmt: skip


def bring(name):
    """Imports a module and all below it, as far as they can be imported here."""
    try:
        module = importlib.import_module(name)
    except (ImportError, AttributeError, OSError):
        return
    for below in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if below.name != "__main__" and not below.name.startswith(("test", "_test")):
            bring(f"{name}.{below.name}")


# What is deprecated warns here already, and must not be what a program finds in the filters.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name in sorted(sys.stdlib_module_names - LEFT_OUT):
        if not name.startswith("_test"):
            bring(name)

# What the component's makers would import behind this module: it belongs to what is frozen below.
bring("wit_world")
alone.install()
files.install()
sockets.install()
lacks.install()
kept.install()
boot.forget()
# The collector need not look at all of that again in every run: each page that it writes to would have to be copied.
gc.collect()
gc.freeze()


class WitWorld(wit_world.WitWorld):
    def run(self) -> int:
        return boot.main()
