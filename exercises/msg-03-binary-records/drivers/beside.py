"""Files and arrays, which can only live beside the student's code. Decides nothing."""

import hashlib
import io
import random
import sys
from array import array
from itertools import islice

#: More packets than any capture of the suite has.
PACKETS_MAX = 1000


def plain(packet):
    return tuple(packet) if isinstance(packet, (list, tuple)) else packet


def read(module, data):
    return [plain(packet) for packet in islice(module.read_pcap(io.BytesIO(data)), PACKETS_MAX)]


def read_until_error(module, data):
    """What was yielded, and the classes of the exception that ended it."""
    packets = []
    try:
        for packet in islice(module.read_pcap(io.BytesIO(data)), PACKETS_MAX):
            packets.append(plain(packet))
    except Exception as error:
        return {"packets": packets, "raised": [base.__name__ for base in type(error).__mro__], "text": str(error)}
    return {"packets": packets, "raised": [], "text": ""}


def write(module, packets, **settings):
    f = io.BytesIO()
    module.write_pcap(f, packets, **settings)
    return f.getvalue()


def write_one_by_one(module, packets):
    """How many bytes had been written each time that the next packet was asked for, and at the end."""
    f = io.BytesIO()
    lengths = []

    def watched():
        for packet in packets:
            lengths.append(len(f.getvalue()))
            yield packet
        lengths.append(len(f.getvalue()))

    module.write_pcap(f, watched())
    return lengths


def save(module, code, data):
    values = array(code, data)
    f = io.BytesIO()
    module.save_array(f, values)
    return {"file": f.getvalue(), "after": values.tobytes()}


def save_refused(module, code, numbers):
    f = io.BytesIO()
    try:
        module.save_array(f, array(code, numbers))
    except Exception as error:
        return {"raised": [base.__name__ for base in type(error).__mro__], "text": str(error), "file": f.getvalue()}
    return {"raised": [], "text": "", "file": f.getvalue()}


def load(module, data, number):
    """The first arrays of a file, and what is left in it."""
    f = io.BytesIO(data)
    loaded = [module.load_array(f) for _ in range(number)]
    arrays = [{"kind": type(values).__name__, "code": getattr(values, "typecode", None), "items": bytes(values)} for values in loaded]
    return {"arrays": arrays, "rest": f.read()}


class TooMany(BaseException):
    """Enough lines have been counted."""


def lines_of(act, most):
    """How many lines of Python a call executes; counting ends, and with it the call, when there are more than `most`."""
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        if event == "line":
            lines += 1
            if lines > most:
                raise TooMany
        return trace

    sys.settrace(trace)
    try:
        act()
    except TooMany:
        pass
    finally:
        sys.settrace(None)
    return lines


class Job:
    """One call on much data. All that it is given is there before it runs, so that memory can be looked at meanwhile."""

    def __init__(self, module, name, seed, size, header):
        data = random.Random(seed).randbytes(size)
        self.file = io.BytesIO(header + data if name == "load_array" else b"")
        self.call = getattr(module, name)
        if name == "save_array":
            self.given = [self.file, array("I", data)]
        else:
            self.given = [self.file if name == "load_array" else data]
        self.result = None

    def run(self):
        self.result = self.call(*self.given)

    def counted(self, most):
        return lines_of(self.run, most)

    def digest(self, size):
        """Of the array, or of as many bytes at the end of the file."""
        data = self.file.getvalue() if self.result is None else bytes(self.result)
        return hashlib.sha256(data[-size:]).digest()


def job(module, **given):
    return Job(module, **given)
