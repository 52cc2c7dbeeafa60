"""`exam`: everything that a case can do. See grader/python/README.md for the guide with examples."""

import random
import socket
from contextlib import contextmanager

import frames

from . import evidence, peers
from .errors import Failure, Raised
from .programs import Input, Output, Program
from .remote import Iterator, Passed, Shim, Task, an_object, expect

FILE_BYTES_MAX = 8 << 20


class Quiet:
    """What the threads of a still submission wait for: [words, how many] each."""

    def __init__(self, waits, polling):
        self.waits = waits
        self.polling = polling


class Exam:
    def __init__(self, link, order):
        self._link = link
        self._programs = order["programs"]
        self._shim = None
        self._first = None
        self.vars = order["vars"]
        self.random = random.Random(bytes.fromhex(order["seed"]))

    # Verdicts

    def equal(self, got, want, message):
        """`got` must equal `want`; the difference is shown beside the message."""
        if type(got) is type(want) and got == want:
            return
        if isinstance(got, bytes) and isinstance(want, bytes):
            failure = Failure(f"{message}: {evidence.compare_bytes(got, want)}", [evidence.of_bytes(message, got, want)])
            raise self._link.wire.compared(failure, got, evidence.first_difference(got, want))
        raise Failure(f"{message}: {evidence.compare_values(got, want)}", [evidence.of_values(message, got, want)])

    def fail(self, message):
        raise Failure(message)

    @contextmanager
    def during(self, words):
        """Puts `words` before the message of any failure inside."""
        try:
            yield
        except (Failure, Raised) as failure:
            failure.args = (f"{words}: {failure}",)
            raise
        except (OSError, EOFError) as error:
            raise Failure(f"{words}: {error}") from error

    def raises(self, name, method, *args, **kwargs):
        """The call must raise an exception of that name or a subclass; returns what it raised."""
        return expect(name, method.words(args, kwargs), lambda: method(*args, **kwargs))

    # Programs and their sandbox

    def start(self, name, *extra, stdin=False, stdout=False):
        """Starts a program of exercise.toml and waits until it listens on all its addresses."""
        facts = self._programs[name]
        answer, _, descriptors = self._link.ask("start", program=name, extra=[str(word) for word in extra], stdin=stdin, stdout=stdout)
        into = Input(self._link, descriptors.pop(0), name) if stdin else None
        out = Output(self._link, descriptors.pop(0), name) if stdout else None
        program = Program(self._link, name, answer["process"], facts["listen"], into, out)
        self._first = self._first or program
        if facts["listen"]:
            program.ready(facts["listen"])
        return program

    def usage(self):
        """CPU milliseconds and peak memory in bytes of the submission so far."""
        answer, _, _ = self._link.ask("usage")
        return answer["usage"]

    def memory_reset(self):
        """From now on `usage()` tells the memory peak since here."""
        self._link.ask("reset-peak")

    def quiet(self):
        """Waits until nothing will happen in the submission any more unless the examiner acts.

        `.polling` of what is returned tells whether some thread keeps waking by a clock all the same.
        """
        answer, _, _ = self._link.ask("still")
        return Quiet(answer["waits"], answer["polling"])

    def write_file(self, name, content):
        self._link.ask("write", content, name=name)

    def read_file(self, name, limit=FILE_BYTES_MAX):
        """A regular file of the work folder, or None."""
        answer, content, _ = self._link.ask("read", name=name, limit=limit)
        return content if answer["found"] else None

    # Sockets

    def connect(self, address=None, receive_buffer=None, send_buffer=None, segment=None):
        """A client of the first program started, or of `address`. Small buffers and segments let little be under way."""
        address = tuple(address or self._first.address)
        return peers.connect(self._link, address, receive_buffer, send_buffer, segment)

    def listen(self):
        """A port of the examiner's own."""
        return peers.Listener(self._link)

    def pair(self, send_buffer=None, receive_buffer=None, timeout=None):
        """A connected TCP pair: our end, and a handle to the student's, a socket beside the student's code."""
        ours, theirs = peers.pair(self._link, send_buffer, receive_buffer)
        theirs = self._shim_process().call("pair()", "adopt", Passed(theirs, timeout))
        return ours, an_object(theirs, "the socket passed")

    def port_state(self, address):
        """Kernel states of the TCP sockets with that local address."""
        answer, _, _ = self._link.ask("states", address="%s:%d" % tuple(address))
        return answer["states"]

    # Calls into the student's modules

    def load(self, file):
        """Imports a student's module in the shim; its functions can then be called through the handle."""
        module = file.removesuffix(".py").replace("/", ".")
        words = f"import {module}"
        return an_object(self._shim_process().call(words, "load", module), words)

    def get(self, handle, name):
        """An attribute of a remote object."""
        return handle._shim.call(name, "get", handle, name)

    def set(self, handle, name, value):
        handle._shim.call(name, "set", handle, name, value)

    def iterate(self, handle):
        iterator = handle._shim.call("iter()", "iterate", handle)
        return Iterator(handle._shim, an_object(iterator, "iter()"))

    def background(self, method, *args, **kwargs):
        """Performs a call in a thread of its own beside the student's code."""
        return Task(method, args, kwargs)

    def drive(self, driver, module=None, **arguments):
        """Runs `drivers/file.py:function(module, **arguments)` beside the student's code; returns its observations."""
        file, function = driver.rsplit(":", 1)
        with open(file, encoding="utf-8") as source:
            text = source.read()
        handle = None if module is None else self.load(module)
        return self._shim_process().call(function + "()", "drive", text, file, function, handle, arguments)

    def _shim_process(self):
        if self._shim is None:
            answer, _, descriptors = self._link.ask("shim")
            channel = frames.Channel(socket.socket(fileno=descriptors[0]))
            self._shim = Shim(self._link, answer["process"], channel)
        return self._shim
