"""Pickle as it comes."""
import pickle

handles = {}


class Refused(Exception):
    pass


class Handle:
    def __init__(self, name):
        self.name = name


def allow(cls):
    return cls


def dumps(obj):
    return pickle.dumps(obj)


def loads(data):
    return pickle.loads(data)


def dump_many(f, objs):
    for obj in objs:
        pickle.dump(obj, f)


def load_many(f):
    while True:
        try:
            yield pickle.load(f)
        except EOFError:
            return


def dump_buffers(obj):
    buffers = []
    return pickle.dumps(obj, protocol=5, buffer_callback=buffers.append), buffers


def load_buffers(data, buffers):
    return pickle.loads(data, buffers=buffers)
