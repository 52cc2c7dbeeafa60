"""Modules that an interpreter has loaded and does not show.

Importing `socket` costs as much as starting Python. A template loads such modules once and sets them aside; in a
program that is forked from it an import takes the module out again, and `sys.modules` is then as if it had just been
loaded, with all that it brings along. It is not taken out, and the import goes its ordinary way, where the program
could tell the difference: when a file of the student's would be found in the place of one of these modules, when one is
banned, or when the program has changed how imports work or put a module of its own in such a place.

The hook is the lock that importlib holds while it loads a module: once it is held, importlib looks into `sys.modules`
once more, and finds what was put there. No frame of ours is ever below one of the program's.
"""

import builtins
import sys
from posix import listdir

import _frozen_importlib

STANDARD_LIBRARY = "/usr/lib/python3.11"


class Wardrobe:
    def __init__(self):
        self._finders = list(sys.meta_path)
        self._modules = {}
        # What importing a module brings into sys.modules, itself with the rest, in order.
        self._brings = {}

    def fill(self, names):
        """Loads modules and sets them aside."""
        shown, importers = dict(sys.modules), set(sys.path_importer_cache)
        wants = self._load_and_watch(names)
        self._modules = {name: module for name, module in sys.modules.items() if name not in shown}
        for name in self._modules:
            reached = reachable(name, wants)
            self._brings[name] = [other for other in self._modules if other in reached]
        for name in self._modules:
            del sys.modules[name]
            self._hide_in_parent(name)
        for path in set(sys.path_importer_cache) - importers:
            del sys.path_importer_cache[path]

    def _load_and_watch(self, names):
        """Which module has asked for which while it was loaded."""
        wants, loading = {}, []
        plain_import, plain_load = builtins.__import__, _frozen_importlib._find_and_load

        def watched_import(name, globals=None, locals=None, fromlist=(), level=0):
            module = plain_import(name, globals, locals, fromlist, level)
            if loading:
                package = (globals or {}).get("__package__") or ""
                base = package.rsplit(".", level - 1)[0] if level else ""
                whole = f"{base}.{name}".strip(".") if level else name
                wants.setdefault(loading[-1], set()).update([whole, *(f"{whole}.{part}" for part in fromlist or ())])
            return module

        def watched_load(name, import_):
            if loading:
                wants.setdefault(loading[-1], set()).add(name)
            loading.append(name)
            try:
                return plain_load(name, import_)
            finally:
                loading.pop()

        builtins.__import__, _frozen_importlib._find_and_load = watched_import, watched_load
        try:
            for name in names:
                plain_import(name)
        finally:
            builtins.__import__, _frozen_importlib._find_and_load = plain_import, plain_load
        return wants

    def aside(self, name):
        return self._modules.get(name)

    def open(self, bans):
        """From now on imports look here first. For a process that has just been forked."""
        for ban in bans:
            for name, brought in list(self._brings.items()):
                if any(other == ban or other.startswith(ban + ".") for other in brought):
                    del self._brings[name]
        take, plain_lock = self._take, _frozen_importlib._ModuleLockManager

        class _ModuleLockManager(plain_lock):
            def __enter__(self):
                super().__enter__()
                take(self._name)

        _frozen_importlib._ModuleLockManager = _ModuleLockManager

    def _take(self, name):
        brought = self._brings.get(name)
        if brought is None or sys.meta_path != self._finders:
            return
        aside, shown = self._modules, sys.modules
        if any(shown.get(other, aside[other]) is not aside[other] for other in brought) or shadowed(brought):
            return
        for other in brought:
            if other not in shown:
                shown[other] = aside[other]
                self._show_in_parent(other)

    def _hide_in_parent(self, name):
        parent, _, last = name.rpartition(".")
        if parent in self._modules and name not in self._brings[parent]:
            vars(self._modules[parent]).pop(last, None)

    def _show_in_parent(self, name):
        parent, _, last = name.rpartition(".")
        if parent in self._modules:
            setattr(self._modules[parent], last, self._modules[name])


def reachable(name, wants):
    """`name` and everything that loading it loads, parents of submodules too."""
    reached, todo = set(), [name]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(wants.get(name, ()))
            if "." in name:
                todo.append(name.rpartition(".")[0])
    return reached


def shadowed(names):
    """Whether a file that comes before the standard library may have one of these names."""
    tops = {name.partition(".")[0] for name in names}
    for folder in sys.path:
        if type(folder) is not str:
            return True
        if folder == STANDARD_LIBRARY:
            return False
        try:
            if not tops.isdisjoint(file.partition(".")[0] for file in listdir(folder or ".")):
                return True
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            return True
    return True
