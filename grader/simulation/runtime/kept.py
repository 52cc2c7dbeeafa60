"""The standard library that is in the image, hidden until a program imports it.

A fresh interpreter has a few dozen modules loaded, the image has hundreds. Would they all stay in `sys.modules`, a program could
not have a module `queue.py` or `code.py` of its own: `import code` would find the library's. So they wait here, and are found
where the library's folder would be: behind the folder of the program.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder

# What an interpreter has loaded when it begins to run a file.
AT_THE_START = {
    "__main__", "_abc", "_codecs", "_collections_abc", "_frozen_importlib", "_frozen_importlib_external", "_imp", "_io", "_signal",
    "_sitebuiltins", "_stat", "_thread", "_warnings", "_weakref", "abc", "builtins", "codecs", "encodings", "encodings.aliases",
    "encodings.utf_8", "genericpath", "io", "marshal", "os", "os.path", "posix", "posixpath", "site", "stat", "sys", "time",
    "zipimport",
}  # fmt: skip


class Kept:
    """Finds the modules of the image, and loads them by handing them out."""

    def __init__(self, modules, held):
        self.modules = modules
        self.held = held
        # While the image is made, the library's folder is still on the path, and would be read a second time.
        self.after_the_programs_own = False
        self.specs = {name: module.__spec__ for name, module in modules.items()}

    def find_spec(self, name, path=None, target=None):
        module = self.modules.get(name)
        if module is None:
            return None
        if self.after_the_programs_own and path is None and name not in sys.builtin_module_names:
            own = PathFinder.find_spec(name)
            # A folder without `__init__.py` counts only where there is no module anywhere.
            if own is not None and own.loader is not None:
                return own
        return ModuleSpec(name, self, is_package=hasattr(module, "__path__"))

    def create_module(self, spec):
        return self.modules[spec.name]

    def exec_module(self, module):
        module.__spec__ = self.specs[module.__spec__.name]


def install():
    library = {name: module for name, module in sys.modules.items() if is_hidden(name) and is_of_the_library(name)}
    # What is hidden is not let go: to free it would cost more than the start of a program.
    sys.meta_path.insert(0, Kept(library, list(sys.modules.values())))
    for name in library:
        del sys.modules[name]


def hide_the_rest():
    """The image's own modules, which a program must not come upon: it may have an `app.py` itself."""
    sys.meta_path[0].after_the_programs_own = True
    for name in filter(is_hidden, list(sys.modules)):
        del sys.modules[name]


def is_hidden(name):
    return name not in AT_THE_START


def is_of_the_library(name):
    return name.partition(".")[0] in sys.stdlib_module_names
