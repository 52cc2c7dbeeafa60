"""One program alone on a simulated machine: what it computes, and what that costs.

Cost is *fuel*: what the machine executes, counted. It is the same on any computer and however busy that is, so a case may ask how it grows
with the input. It is not the same from one release of the runtime to the next: compare costs with each other, never with a number.
"""

import base64
import json
import os

import frames

from .errors import Crashed, Deadlock, Failure, Raised
from .evidence import of_output
from .flaws import broken
from .simulate import INSIDE, content_of

# Where a program without a network has nobody to wait for, this is never reached.
UNTIL_NS = 3600 * 10**9
# Between the last two sizes the cost must have grown by this share of it to tell anything.
GROWTH_MIN = 0.01


class Computed:
    """What a call gave: `value`, and the `fuel` that it cost, with the start of the interpreter. None where it was made natively."""

    def __init__(self, value, fuel):
        self.value = value
        self.fuel = fuel


class Ended:
    """How a command ended: `exit` has a `.kind` and the `.code`; `stdout`, `stderr`, `files` that it made or changed, as bytes; `fuel`."""

    def __init__(self, node):
        self.exit = node.exit
        self.stdout = node.output("stdout")
        self.stderr = node.output("stderr")
        self.files = {path.removeprefix("work/"): content for path, content in node.files.items() if path.startswith("work/")}
        self.fuel = node.fuel


class Lacks(Exception):
    """The program needs what the simulated lane does not have."""


def compute(exam, driver, module, limits, arguments):
    """See `Exam.compute`."""
    file, function = driver.rsplit(":", 1)
    packer = frames.Packer(_not_plain)
    order = {
        "name": file,
        "source": content_of(file).decode(),
        "function": function,
        "module": module and module.removesuffix(".py").replace("/", "."),
        "arguments": packer.pack(arguments),
    }
    image = {f"work/{name}": content for name, content in exam.submitted().items()}
    image |= {f"practicum/{name}": content_of(path) for name, path in _own_files().items()}
    image |= {"practicum/order.json": json.dumps(order).encode(), "practicum/order.tail": bytes(packer.tail)}
    words = f"{function}()"
    ran = _run(exam, image, {"python": {"argv": ["/practicum/call.py"]}}, b"", limits)
    node = ran.nodes["machine"]
    exam._spoken = [of_output("the program", stream, data) for stream in ("stderr", "stdout") if (data := node.output(stream))]
    _demand_end(node, words, limits)
    if not ran.reports:
        raise Crashed(f"{words} has not returned: the program ended with {node.exit!r}")
    return Computed(_value(words, [line for _, _, line in ran.reports]), node.fuel)


def command(exam, argv, stdin, files, limits):
    """See `Exam.command`."""
    image = {f"work/{name}": content for name, content in {**exam.submitted(), **_as_bytes(files)}.items()}
    kind = "module" if argv[0].endswith(".wasm") else "python"
    ran = _run(exam, image, {kind: {"argv": [str(word) for word in argv]}}, stdin, limits)
    node = ran.nodes["machine"]
    _demand_end(node, argv[0], limits)
    return Ended(node)


def grows(exam, cost, sizes, at_most, message):
    """See `Exam.grows`."""
    small, middle, large = sizes
    if middle != 2 * small or large != 2 * middle:
        raise ValueError(f"each size must be twice the one before, not {sizes}")
    costs = [cost(size) for size in sizes]
    if None in costs:
        exam.say("what it costs was not looked at: the program needs what the simulated lane does not have, so it was run natively")
        return None
    # The differences, so that what every run costs is no part of it: 2 where the cost is linear, 4 where it is quadratic.
    first, second = costs[1] - costs[0], costs[2] - costs[1]
    if second < GROWTH_MIN * costs[2]:
        return 0
    times = second / first if first > 0 else float("inf")
    if times > at_most:
        table = ", ".join(f"{size}: {value / 10**6:.1f} million" for size, value in zip(sizes, costs))
        raise Failure(f"{message}: with twice the input what is added grows {times:.2f}-fold, at most {at_most} is allowed (steps for {table})")
    return times


def _run(exam, image, program, stdin, limits):
    simulator = exam.simulator()
    simulator.image("machine", image)
    node = {"name": "machine", "program": program, "image": "machine", "stdin": base64.b64encode(stdin).decode(), "reports": "python" in program}
    seed = exam.random_of_machine()
    cluster = {"nodes": [node], "seed": seed, "until": UNTIL_NS, "limits": {**limits, "sockets": 16}}
    return simulator.run(cluster)[0]


def _demand_end(node, words, limits):
    """A program that a limit stopped, or that waits for ever, fails the case whatever is asked of it."""
    exit = node.exit
    if exit is None or exit.kind == "running":
        waits = " or ".join(exit.waits) if exit else ""
        raise Deadlock(f"{words} never ends" + (f": it waits for {waits}" if waits else ""))
    if (stopped := broken(exit, limits)) is not None:
        raise stopped[0](f"{words}: {stopped[1]}")


def _value(words, lines):
    # The driver is beside the student's code: anything may stand for what it told.
    try:
        [line] = lines
        told = frames.parsed(line)
        if "raised" in told:
            raise Raised(words, dict(told["raised"]))
        return frames.Unpacker(base64.b64decode(told["tail"]), _no_handle).unpack(told["value"])
    except (frames.Broken, ValueError, TypeError, KeyError, RecursionError):
        raise Failure(f"{words}: the program's answer is malformed") from None


def _not_plain(value, packer):
    raise TypeError(f"{value!r} cannot be passed to the student's code")


def _no_handle(tagged):
    raise frames.Broken("an object that has no plain form")


def _own_files():
    shim = os.path.dirname(frames.__file__)
    return {"call.py": os.path.join(INSIDE, "call.py"), "frames.py": frames.__file__, "shim.py": os.path.join(shim, "shim.py")}


def _as_bytes(files):
    return {name: content.encode() if isinstance(content, str) else content for name, content in (files or {}).items()}
