# runtime-error: waits for something that cannot be scheduled
import importlib.machinery
import sys
import types

spec = importlib.machinery.BuiltinImporter.find_spec("_thread")
real = importlib.machinery.BuiltinImporter.create_module(spec)
importlib.machinery.BuiltinImporter.exec_module(real)
lock = real.allocate_lock()


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        lock.acquire()
        self.value += 1
        lock.acquire()
