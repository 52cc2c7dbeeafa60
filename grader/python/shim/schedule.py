"""Starts what runs a student's module under schedules. It is native, and nothing that leads to it stays where a module can look:
no name, no entry of a table, no local of a frame."""


def load():
    import sys
    from importlib.machinery import ExtensionFileLoader, ModuleSpec

    # Our own folder gives way to the student's.
    sys.path[0] = "/work"
    sys.argv = [""]
    loader = ExtensionFileLoader("scheduler", "/practicum/scheduler.so")
    scheduler = loader.create_module(ModuleSpec("scheduler", loader, origin=loader.path))
    loader.exec_module(scheduler)
    sys.modules.pop("scheduler", None)
    del globals()["load"], globals()["__doc__"]
    return scheduler.serve


# Descriptor 3 is the channel.
load()(3)
