"""Reads streams as the examiner reads the shim's channel, and says what it made of them.

Each stream comes on standard input as two numbers, its length and how large the pieces are in which it arrives, and
its bytes. Each answer is a length and JSON. `python.rs` is the other end. Anything that a submission could write and
that would be taken for the suite's own mistake ends this process with a traceback.
"""

import json
import os
import resource
import struct
import sys

PYTHON = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "python")
sys.path[:0] = [os.path.join(PYTHON, "shim"), os.path.join(PYTHON, "examiner")]

import examination
import frames
from practicum import evidence, remote
from practicum.errors import Failure
from practicum.grader import Link

# What an examiner may use.
MEMORY_BYTES = 768 << 20
STEPS = 4096
_NUMBERS = struct.Struct(">II")


class Socket:
    """What a submission wrote, in pieces, and nobody who hears what it is told."""

    def __init__(self, data, piece):
        self.rest, self.piece, self.sent = data, max(1, piece), b""

    def recvmsg(self, size, *_):
        size = min(size, self.piece)
        data, self.rest = self.rest[:size], self.rest[size:]
        return data, [], 0, None

    def sendmsg(self, buffers, *_):
        self.sent = b"".join(buffers)
        return len(self.sent)


class Grader(Link):
    """Whatever is waited for has come already, or the end has."""

    def wait(self, *_):
        pass


def framed(data, piece):
    """Every frame of the stream, and whether it was broken."""
    framing, found = frames.Framing(), []
    try:
        for start in range(0, len(data), piece):
            framing.feed(data[start : start + piece])
            while (frame := framing.take()) is not None:
                head, tail, descriptors = frame
                found.append([json.dumps(head), tail.hex(), descriptors])
    except frames.Broken:
        return found, True
    return found, False


def outcomes(data, piece):
    """Heads of the last words of cases that wait for answers and look at them."""
    shim = remote.Shim(Grader(None), 1, frames.Channel(Socket(data, piece)))
    calls = [shim.begin("load", "answer"), shim.begin("call", None, "f", [], {}), shim.begin("next", None, background=True)]
    return [last_words(lambda: looked_at(shim.finish(call, "f()"))) for call in calls]


def looked_at(value):
    """What the library itself does with a value that came back."""
    if isinstance(value, remote.Handle):
        value._shim = Always(value._number)
        hash(value), value == value, len(value)
    raise Failure(evidence.compare_values(value, 0), [evidence.of_values("the value", value, 0)])


class Always:
    """Answers every call with the same."""

    def __init__(self, value):
        self.value = value

    def call(self, *_):
        return self.value


def last_words(case):
    grader = Socket(b"", 1)
    try:
        case()
        said = {"outcome": "passed"}
    except Exception as mistake:
        said = examination.judged(mistake)
        if said["outcome"] == "error":
            raise
    Link(frames.Channel(grader)).end(said)
    return grader.sent[frames._HEADER.size :].decode()


class Steps:
    """From which line to which the code went that reads a stream."""

    def __init__(self):
        self.taken, self.before = set(), 0

    def __call__(self, frame, event, _):
        return self.step if frame.f_code.co_filename.startswith(PYTHON) else None

    def step(self, frame, event, _):
        here = frame.f_lineno * 7919
        self.taken.add((self.before ^ here) % STEPS)
        self.before = here >> 1
        return self.step


def answer(data, piece, traced):
    steps = Steps()
    if traced:
        sys.settrace(steps)
    try:
        found, broken = framed(data, piece)
        said = outcomes(data, piece)
    finally:
        sys.settrace(None)
    return {"frames": found, "broken": broken, "outcomes": said, "steps": sorted(steps.taken)}


def main():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    while header := incoming.read(_NUMBERS.size):
        length, piece = _NUMBERS.unpack(header)
        said = json.dumps(answer(incoming.read(length), max(1, piece), "steps" in sys.argv[1:])).encode()
        outgoing.write(struct.pack(">I", len(said)) + said)
        outgoing.flush()


if __name__ == "__main__":
    main()
