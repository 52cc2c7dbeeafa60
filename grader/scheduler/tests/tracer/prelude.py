"""What every script of tests/tracer.rs begins with: the tracer, a submission's text as watched code, and counting."""
import importlib.machinery
import importlib.util
import sys
import threading
import types

loader = importlib.machinery.ExtensionFileLoader("tracer_probe", sys.argv[1])
probe = importlib.util.module_from_spec(importlib.util.spec_from_loader("tracer_probe", loader))
loader.exec_module(probe)
probe.install()


def module(name, code):
    """A module of that code, as an import makes it."""
    made = sys.modules[name] = types.ModuleType(name)
    exec(code, made.__dict__)
    return made


def submission(text, granularity="shared"):
    """A watched module."""
    code = compile(text, "submission.py", "exec")
    probe.watch([code], granularity)
    return module("submission", code)


def reached(function, *arguments, arm=None, **limits):
    """Why and in which lines the sink was called while `function` ran."""
    seen = []
    probe.on_reached(lambda reason, line, place: seen.append((reason, line)))
    traced(function, *arguments, arm=arm, **limits)
    return seen


def traced(function, *arguments, arm=None, **limits):
    probe.reset(**limits)
    probe.arm(arm)
    probe.enable(True)
    try:
        return function(*arguments)
    finally:
        probe.enable(False)


def points(function, *arguments):
    traced(function, *arguments)
    return probe.counts(0)[0]


def recorded(function, *arguments):
    """Accesses without their lines."""
    probe.record(True)
    try:
        traced(function, *arguments)
    finally:
        probe.record(False)
    return [access[:4] for access in probe.accesses()]


def in_thread(function):
    """Runs it in an OS thread that is traced, too."""
    def body():
        probe.install()
        try:
            function()
        finally:
            probe.uninstall()
    thread = threading.Thread(target=body)
    thread.start()
    return thread


def check(found, expected):
    assert found == expected, f"{found!r} instead of {expected!r}"
