"""The process that simulates (grader/src/simulator.rs), and what it tells of a run.

It runs in the submission's sandbox, for in it is the student's code. So what it says is read as data that may be forged: where it
makes no sense, nothing is said about the program until staff have looked.
"""

import base64
import json
import select
import socket

import frames

from .errors import Void
from .faults import NS_PER_S

# What the simulator may tell in one case, as bytes: the suite must not run out of memory by it.
ANSWERS_BYTES_MAX = 256 << 20


class Simulator:
    def __init__(self, link):
        self._link = link
        answer, _, descriptors = link.ask("simulator")
        self._process = answer["process"]
        self._channel = frames.Channel(socket.socket(fileno=descriptors[0]))
        self._bytes = 0
        # Whether code of the student's has run in it.
        self._used = False

    def image(self, name, files):
        """Files that nodes may begin with from now on, by their paths without a leading slash."""
        places = [[path, len(content)] for path, content in files.items()]
        self._send({"image": {"name": name, "files": places}}, b"".join(files.values()))

    def run(self, cluster):
        """What the run of a cluster showed, and the words that say so."""
        self._send({"run": cluster})
        head, tail = self._hear()
        if isinstance(head, dict) and "refused" in head and not self._used:
            raise RuntimeError(f"the simulator refuses this: {head['refused']}")
        self._used = True
        if head != "ran":
            raise Void("the simulator did not do what it was told to")
        return Ran(tail, cluster), tail

    def _send(self, head, tail=b""):
        try:
            self._channel.send(head, tail)
        except OSError:
            raise self._ended() from None

    def _hear(self):
        try:
            while (frame := self._channel.take()) is None:
                still = self._link.ready_or_still(self._channel, select.POLLIN, self._process)
                if still is not None or not self._channel.feed():
                    raise self._ended()
        except (frames.Broken, OSError):
            raise Void("somebody else used the simulator's channel") from None
        head, tail, descriptors = frame
        frames.close(descriptors)
        self._bytes += len(tail)
        if self._bytes > ANSWERS_BYTES_MAX:
            raise Void("the simulator tells too much")
        return head, tail

    def _ended(self):
        return Void("the simulator has ended")


class Ran:
    """One run, in plain values."""

    def __init__(self, tail, cluster):
        try:
            self._read(json.loads(tail), cluster)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise Void(f"what the simulator tells of a run makes no sense: {error!r}") from None

    def _read(self, told, cluster):
        self.end = _text(told["end"])
        self.at = told["at"] / NS_PER_S
        self.hash = _text(told["hash"])
        names = [node["name"] for node in cluster["nodes"]]
        self.nodes = {name: NodeRan(name, node) for name, node in zip(names, told["nodes"], strict=True)}
        # (time, name of who reported, the line).
        self.reports = [(report["at"] / NS_PER_S, names[report["node"]], _text(report["line"])) for report in told["reports"]]


class NodeRan:
    """What one node did."""

    def __init__(self, name, told):
        self.name = name
        self.lives = [Life(life) for life in told["lives"]]
        # (time, stream, bytes).
        self.written = [(part["at"] / NS_PER_S, _text(part["stream"]), base64.b64decode(part["bytes"])) for part in told["output"]]
        self.fuel = int(told["fuel"])
        self.memory_bytes = int(told["memory_bytes"])
        self.files = {_text(path): base64.b64decode(content) for path, content in told.get("files", {}).items()}

    @property
    def exit(self):
        """How its last life ended; None where it was never started."""
        return self.lives[-1].exit if self.lives else None

    def output(self, stream="stdout"):
        return b"".join(data for _, written, data in self.written if written == stream)


class Life:
    def __init__(self, told):
        self.start = told["from"] / NS_PER_S
        self.end = told["to"] / NS_PER_S
        self.exit = Exit(told["exit"])


class Exit:
    """How a life ended. `kind` is one of simulation::words::Exit: exited, running, killed, out-of-fuel, out-of-memory, out-of-output, lacks,
    trapped."""

    def __init__(self, told):
        self.kind, detail = (told, None) if isinstance(told, str) else next(iter(told.items()))
        # Of one that exited.
        self.code = int(detail) if self.kind == "exited" else None
        # Of one that still runs: in words, what it waits for.
        self.waits = [_text(words) for words in detail["waits"]] if self.kind == "running" else []
        # What is lacking, or why the machine stopped it.
        self.words = _text(detail) if self.kind in ("lacks", "trapped") else ""

    def __repr__(self):
        if self.kind == "exited":
            return f"exit code {self.code}"
        return self.kind.replace("-", " ") + (f" ({self.words})" if self.words else "")


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
