"""Objects and classes that can only live beside the student's module. Decides nothing."""

import copyreg
import io
import pickle
import sys
import threading
import types

LAB = '''
import socket
import threading


class Note:
    def __init__(self, text):
        self.text = text


class Stranger:
    def __init__(self, host, port):
        self.line = dial(host, port)


def dial(host, port):
    return socket.create_connection((host, port))


class Tally:
    class Entry:
        def __init__(self, label, count):
            self.label = label
            self.count = count

    def __init__(self, entries):
        self.entries = entries
        self.lock = threading.Lock()

    def bump(self, by):
        with self.lock:
            for entry in self.entries:
                entry.count += by

    def __getstate__(self):
        return [[entry.label, entry] for entry in self.entries]

    def __setstate__(self, state):
        self.entries = [entry for _, entry in state]
        self.lock = threading.Lock()
'''


def lab(name):
    """A module of classes, with a name that nobody can know beforehand."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(LAB, module.__dict__)
    return module


def complex_number(module, real, imag):
    back = module.loads(module.dumps([complex(real, imag)]))[0]
    return {"type": type(back).__name__, "real": back.real, "imag": back.imag}


def walk(module, labels, steps):
    """Goes round a ring of nodes that share one log, after a round trip."""
    log = []
    ring = [{"label": label, "log": log} for label in labels]
    for node, following in zip(ring, ring[1:] + ring[:1]):
        node["next"] = following
    start = node = module.loads(module.dumps(ring[0]))
    seen = []
    for _ in range(steps):
        seen.append(node["label"])
        node["log"].append(node["label"])
        node = node["next"]
    return {"seen": seen, "log": start["log"], "original": log}


def load_all(module, data):
    return list(module.load_many(io.BytesIO(data)))


def load_beside_a_class(module, name, data):
    module.allow(lab(name).Note)
    return module.loads(data)


def load_extension(module, name, code, data):
    """Some other part of the program has registered a code and used it."""
    lab(name)
    copyreg.add_extension(name, "dial", code)
    pickle.loads(b"\x80\x02\x82" + bytes([code]) + b".")
    return module.loads(data)


def tally(module, name, counts, by):
    Tally = lab(name).Tally
    module.allow(Tally)
    module.allow(Tally.Entry)
    original = Tally([Tally.Entry(label, count) for label, count in counts])
    with original.lock:
        back = module.loads(module.dumps(original))
    back.bump(by)
    return {
        "types": [type(back).__qualname__, *{type(entry).__qualname__ for entry in back.entries}],
        "counts": [[entry.label, entry.count] for entry in back.entries],
        "original": [[entry.label, entry.count] for entry in original.entries],
    }


def handles(module, marks, order, renamed):
    """Round trip of some handles; then another object takes one of the names."""
    for name, mark in marks:
        module.handles[name] = marked(module, name, mark)
    data = module.dumps([module.handles[name] for name in order])
    before = [getattr(handle, "mark", None) for handle in module.loads(data)]
    name, mark = renamed
    module.handles[name] = marked(module, name, mark)
    return {"before": before, "after": [getattr(handle, "mark", None) for handle in module.loads(data)]}


def marked(module, name, mark):
    handle = module.Handle(name)
    handle.mark = mark
    handle.line = threading.Lock()
    return handle


def forgotten(module, name):
    module.handles[name] = module.Handle(name)
    data = module.dumps(module.handles[name])
    del module.handles[name]
    return module.loads(data)


def rewritten(module, name, mark, data):
    """A handle after loads of data about it."""
    handle = module.handles[name] = marked(module, name, mark)
    try:
        module.loads(data)
    except Exception as error:
        raised = [base.__name__ for base in type(error).__mro__]
    else:
        raised = []
    return {"raised": raised, "name": handle.name, "mark": handle.mark}


def growing(module, labels):
    """The same list again and again, longer each time."""

    def rows():
        row = []
        for label in labels:
            row.append(label)
            yield row

    f = io.BytesIO()
    module.dump_many(f, rows())
    f.seek(0)
    return list(module.load_many(f))


def stream(module, objs):
    f = io.BytesIO()
    module.dump_many(f, objs)
    return f.getvalue()


def load_until_error(module, data):
    objs = []
    try:
        for obj in module.load_many(io.BytesIO(data)):
            objs.append(obj)
    except Exception as error:
        return {"objs": objs, "raised": [base.__name__ for base in type(error).__mro__]}
    return {"objs": objs, "raised": []}


def share(module, payload, label, writes):
    """Changes the memory after it has been pickled and loaded."""
    source = bytearray(payload)
    data, buffers = module.dump_buffers({"label": label, "body": pickle.PickleBuffer(source)})
    back = module.load_buffers(data, buffers)
    for at, value in writes:
        source[at] = value
    return {"pickle": data, "buffers": len(buffers), "label": back["label"], "body": bytes(back["body"])}


def arrive(module, payload, label, writes):
    """The buffers come from elsewhere, and their memory changes after loading."""
    data, buffers = module.dump_buffers({"label": label, "body": pickle.PickleBuffer(payload)})
    arrived = [bytearray(buffer) for buffer in buffers]
    back = module.load_buffers(data, arrived)
    for at, value in writes:
        arrived[0][at] = value
    return {"label": back["label"], "body": bytes(back["body"])}
