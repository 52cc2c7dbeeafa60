"""Views, another process, and looks between two instructions: what can only be had beside the student's code. Decides nothing."""

import json
import os
import subprocess
import sys


class Held:
    """Keeps what peek or pop returned and tells what it shows now."""

    def __init__(self, views):
        self.views = views

    def now(self):
        return b"".join(bytes(view) for view in self.views)

    def release(self):
        for view in self.views:
            if isinstance(view, memoryview):
                view.release()
        self.views = []


def peek(module, ring):
    seen = ring.peek()
    views = list(seen) if isinstance(seen, (list, tuple)) else [seen]
    return {"held": Held(views), "kind": type(seen).__name__, "kinds": [type(view).__name__ for view in views]}


def pop(module, ring):
    seen = ring.pop()
    return {"held": Held([seen]), "kind": type(seen).__name__}


def still_there(module, path):
    """Mappings and descriptors of this process that belong to the file."""
    path = os.path.realpath(path)
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        mapped = sum(line.rstrip("\n").endswith(path) for line in maps)
    descriptors = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            descriptors += os.readlink(f"/proc/self/fd/{number}") == path
        except OSError:
            pass
    return {"mapped": mapped, "descriptors": descriptors}


class Watch:
    """Looks at a file before each instruction of the student's code, and once afterwards."""

    def __init__(self, path, look):
        self.file = os.open(path, os.O_RDWR)
        self.look = look

    def run(self, act, *arguments):
        sys.settrace(self.trace)
        try:
            result = act(*arguments)
        finally:
            sys.settrace(None)
        self.look(self.file)
        os.close(self.file)
        return result

    def trace(self, frame, event, argument):
        frame.f_trace_opcodes = True
        self.look(self.file)
        return self.trace


def watched_push(module, ring, path, size, place, payload):
    """What was in the file when the bytes at `place` were first seen changed."""
    changed = []
    before = None

    def look(file):
        nonlocal before
        content = os.pread(file, size, 0)
        number = content[place : place + 8]
        before = number if before is None else before
        if number != before and not changed:
            changed.append(content)

    result = Watch(path, look).run(ring.push, payload)
    return {"result": result, "content": changed[0] if changed else b""}


def watched_pop(module, ring, path, place, writes):
    """As soon as the bytes at `place` are seen changed, writes what a producer may write by then."""
    changed = []
    before = None

    def look(file):
        nonlocal before
        number = os.pread(file, 8, place)
        before = number if before is None else before
        if number != before and not changed:
            changed.append(number)
            for at, data in writes:
                os.pwrite(file, data, at)

    result = Watch(path, look).run(ring.pop)
    return {"result": result, "number": changed[0] if changed else b""}


def interrupted(module, ring, path, what, arguments, before, writes, most):
    """Performs one call again and again, and before another one of its instructions each time writes what another process might.

    Different outcomes, each with the number of the first instruction that had it, and what was in the file afterwards.
    """
    call = getattr(ring, what)
    instructions = 0

    def count(file):
        nonlocal instructions
        instructions += 1

    Watch(path, count).run(call, *arguments)
    outcomes = {}
    for number in range(0, instructions, max(1, instructions // most)):
        write_all(path, [[0, before]])
        result = Watch(path, At(number, writes)).run(call, *arguments)
        with open(path, "rb") as file:
            outcomes.setdefault((result if isinstance(result, (bytes, bool)) else repr(result), file.read()), number)
    return [{"number": number, "result": result, "content": content} for (result, content), number in outcomes.items()]


class At:
    """Looks by writing, the one time that it is asked for."""

    def __init__(self, number, writes):
        self.left = number
        self.writes = writes

    def __call__(self, file):
        if self.left == 0:
            for at, data in self.writes:
                os.pwrite(file, data, at)
        self.left -= 1


def write_all(path, writes):
    file = os.open(path, os.O_RDWR)
    for at, data in writes:
        os.pwrite(file, data, at)
    os.close(file)


class Other:
    """A second process with a Ring of its own, that does as it is told line by line."""

    def __init__(self, program, path):
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process = subprocess.Popen([sys.executable, program, path], text=True, bufsize=1, **pipes)

    def do(self, *order):
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        return json.loads(answer) if answer else "the process has ended"

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def plain(got):
    if isinstance(got, (bytes, bytearray, memoryview)):
        return got.hex()
    return got if got is None or isinstance(got, bool) else repr(got)


def in_step(module, program, path, capacity, steps):
    """Performs (who, "push" or "pop", payload in hexadecimal) one after the other; what each gave, up to the first that was not `want`."""
    here = module.Ring.create(path, capacity)
    other = Other(program, path)
    seen = []
    for who, what, payload, want in steps:
        if who == "other":
            got = other.do(what, payload)
        else:
            got = plain(here.push(bytes.fromhex(payload)) if what == "push" else here.pop())
        seen.append(got)
        if got != want:
            break
    other.end()
    return seen
