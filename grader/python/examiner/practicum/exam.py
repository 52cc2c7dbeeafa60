"""`exam`: everything that a case can do. See grader/python/README.md for the guide with examples."""

import random
import socket
from contextlib import contextmanager

import frames

from . import crowds, evidence, explore, peers
from . import fields as layouts
from .addresses import text
from .amqp import Broker
from .datagrams import Datagrams
from .errors import Failure, Raised
from .fixtures import http, xmlrpc
from .gates import Gate
from .histories import History
from .places import Node, Place
from .relay import Relay
from .remote import Handle, Iterator, Passed, Shim, Task, an_object, expect, fits
from .simulated import Simulated


class Quiet:
    """What the threads of a still submission wait for: [words, how many] each."""

    def __init__(self, waits, polling):
        self.waits = waits
        self.polling = polling


class Exam(Place, Simulated):
    def __init__(self, link, order):
        Place.__init__(self, link, 0, order["programs"])
        Simulated.__init__(self)
        self._shim = None
        self.vars = order["vars"]
        self.random = random.Random(bytes.fromhex(order["seed"]))
        self._seed = order["seed"]
        # The one schedule or simulated run that is to be repeated, where one is.
        self._replay = order.get("replay")
        self._native_too = order["native_too"]
        self._explorations = []
        # An exploration and the number of what was seen of it, while the case looks at that.
        self._looked_at = None
        # What is shown even though nothing fails.
        self._shown = []

    # Verdicts

    def equal(self, got, want, message, fields=()):
        """`got` must equal `want`; the difference is shown beside the message.

        `fields` are the parts of `want`, which is bytes: a name and a size each. One size may be None, for what the others leave.
        """
        places = layouts.placed(fields, len(want)) if fields else []
        if type(got) is type(want) and got == want:
            return
        if isinstance(got, bytes) and isinstance(want, bytes):
            words = f"{message}: {evidence.compare_bytes(got, want, places)}"
            failure = Failure(words, [evidence.of_bytes(message, got, want, places)])
            raise self._link.wire.compared(failure, got, evidence.first_difference(got, want))
        raise Failure(f"{message}: {evidence.compare_values(got, want)}", [evidence.of_values(message, got, want)])

    def fields(self, layout, *names):
        """The fields of a layout of `struct`, for `equal`: `exam.fields(">4sI", "magic", "length") + [("body", None)]`."""
        return layouts.of_format(layout, names)

    def fail(self, message):
        raise Failure(message)

    @contextmanager
    def during(self, words):
        """Puts `words` before the message of any failure inside."""
        try:
            yield
        except (AssertionError, Raised) as failure:
            failure.args = (f"{words}: {failure}" if str(failure) else words,)
            raise
        except (AssertionError, OSError, EOFError) as error:
            raise Failure(f"{words}: {error}") from error

    def raises(self, name, method, *args, **kwargs):
        """The call must raise an exception of that name or a subclass; returns what it raised."""
        return expect(name, method.words(args, kwargs), lambda: method(*args, **kwargs))

    # The submission as a whole

    def node(self, name):
        """A further sandbox of the submission, with limits of its own, on the same network."""
        answer, _, _ = self._link.ask("node")
        return Node(self._link, name, answer["node"], self._programs)

    def quiet(self):
        """Waits until nothing will happen any more unless the examiner acts.

        `.polling` of what is returned tells whether some thread keeps waking by a clock all the same.
        """
        answer, _, _ = self._link.ask("still")
        return Quiet(answer["waits"], answer["polling"])

    def gate(self):
        """A gate for code of yours that runs beside the student's: see there."""
        return Gate(self._link)

    # Sockets

    def connect(self, address=None, source=None, receive_buffer=None, send_buffer=None, segment=None):
        """A client of the first program that listens, or of `address`. Small buffers and segments let little be under way."""
        address = address or next(program.address for program in self.started if program.listen)
        if isinstance(address, str):
            return peers.connect_unix(self._link, address.removeprefix("unix:"))
        return peers.connect(self._link, tuple(address), source, receive_buffer, send_buffer, segment)

    def listen(self, host="127.0.0.1", port=0, backlog=128, receive_buffer=None, send_buffer=None, segment=None):
        """A port of the examiner's own."""
        return peers.Listener(self._link, host, port, backlog, receive_buffer, send_buffer, segment)

    def unanswering(self, host="127.0.0.1", port=0):
        """An address that takes no connection and refuses none: whoever connects there waits."""
        listener = self.listen(host, port, backlog=0)
        listener.fill()
        self._link.kept.append(listener)
        return listener.address

    def udp(self, host="127.0.0.1", port=0):
        """A UDP socket of the examiner's own."""
        return Datagrams(self._link, host, port)

    def pair(self, send_buffer=None, receive_buffer=None, timeout=None):
        """A connected TCP pair: our end, and a handle to the student's, a socket beside the student's code."""
        ours, theirs = peers.pair(self._link, send_buffer, receive_buffer)
        theirs = self._shim_process().call("pair()", "adopt", Passed(theirs, timeout))
        return ours, an_object(theirs, "the socket passed")

    def http(self, pages, host="127.0.0.1", port=0):
        """A web site on the examiner's side."""
        return http.Site(self._link, pages, host, port)

    def xmlrpc(self, functions, host="127.0.0.1", port=0):
        """An XML-RPC service on the examiner's side."""
        return xmlrpc.Service(self._link, functions, host, port)

    def port_state(self, address):
        """Kernel states of the TCP sockets with that local address."""
        answer, _, _ = self._link.ask("states", address=text(address))
        return answer["states"]

    def relay(self, nodes, udp=False):
        """A network between `nodes`, names and their addresses, with the faults that the suite orders: a `Relay`."""
        return Relay(self._link, self.random.randbytes(16), nodes, udp)

    def amqp(self, port=5672):
        """An AMQP 0-9-1 broker of this case's own: see there."""
        return Broker(self._link, port)

    # Crowds

    def splits(self, data, cuts=1):
        """Every way to cut `data` into `cuts` + 1 pieces, for `Peer.pieces`."""
        return crowds.splits(data, cuts)

    def rendezvous(self, number, first, rest, want, address=None):
        """`number` clients that each send `first`; then, the last one first, each sends `rest` and must read `want` before
        the next one moves. Each of the three is bytes, or a function of the client's index. Returns the clients."""
        return crowds.rendezvous(self, number, first, rest, want, address)

    def slow_loris(self, number, data, address=None):
        """`number` clients that send `data` a byte at a time, in turns, and stay; returns them."""
        return crowds.slow_loris(self, number, data, address)

    def history(self):
        """What several clients do at a time, to be explained by some order of it: a `History`."""
        return History(self._link)

    # Calls into the student's modules

    def load(self, file):
        """Imports a student's module in the shim; its functions can then be called through the handle."""
        module = file.removesuffix(".py").replace("/", ".")
        words = f"import {module}"
        return an_object(self._shim_process().call(words, "load", module), words)

    def fresh(self):
        """Kills the process with the student's modules; what is loaded next is loaded in another one."""
        if self._shim is not None:
            self._shim.kill()
            self._shim = None

    def get(self, handle, name):
        """An attribute of a remote object."""
        if not isinstance(handle, Handle):
            raise Failure(f"an object with .{name} was expected, but there was {evidence.short(handle)}")
        return handle._shim.call(name, "get", handle, name)

    def set(self, handle, name, value):
        handle._shim.call(name, "set", handle, name, value)

    def iterate(self, handle):
        iterator = handle._shim.call("iter()", "iterate", handle)
        return Iterator(handle._shim, an_object(iterator, "iter()"))

    def background(self, method, *args, **kwargs):
        """Performs a call in a thread of its own beside the student's code."""
        return Task(method, args, kwargs)

    def drive(self, driver, module=None, shape=object, **arguments):
        """Runs `drivers/file.py:function(module, **arguments)` beside the student's code; returns its observations.

        The code beside it could have answered in the driver's place: what has another `shape` (see `fits`) is the program's failure.
        """
        file, function = driver.rsplit(":", 1)
        with open(file, encoding="utf-8") as source:
            text = source.read()
        handle = None if module is None else self.load(module)
        seen = self._shim_process().call(function + "()", "drive", text, file, function, handle, arguments)
        if not fits(seen, shape):
            self.fail(f"the program answered for itself what the examiner's {function}() was to answer: {evidence.short(seen)}")
        return seen

    # Schedules

    def explore(
        self,
        where,
        module=None,
        operations=None,
        schedules=None,
        preemptions=1,
        granularity="shared",
        sleepers_may_wake=True,
        forbid=(),
        allow=(),
        at_least=None,
        **arguments,
    ):
        """What the student's module does under many schedules of its threads: an `Exploration`.

        `where` is `drivers/file.py:function`, called with the module and `arguments` in each schedule; or, with `operations`, a class
        `module.py:Class` on an object of which threads call these. Then `arguments` are `new`, `threads`, `per_thread`, `scenarios`.
        """
        self.finish()
        self._busy = True
        settings = (schedules, preemptions, granularity, sleepers_may_wake, forbid, allow, at_least)
        self._explorations.append(explore.explore(self, where, module, operations, *settings, arguments))
        return self._explorations[-1]

    def finish(self):
        """Explores and simulates what nobody has asked about yet."""
        for begun in (self._explorations, self._simulations):
            if begun:
                begun[-1].finish()

    def repeat(self):
        """Runs a few of the schedules again that showed nothing wrong."""
        explored = [exploration for exploration in self._explorations if exploration.samples]
        if explored:
            explore.Repetition(self, explored).run()

    def last_look(self):
        """Evidence of what the case looked at when it failed."""
        if self._replay or self._looked_at is None:
            # The one schedule or run that was asked for is shown whatever the case fails by.
            return self._shown + self._spoken
        exploration, index = self._looked_at
        try:
            return [exploration.picture(index)]
        except Failure:
            return []

    @property
    def repeated_token(self):
        """The token of what alone is repeated, or None."""
        return next(iter(self._replay.values()))["token"] if self._replay else None

    def shown(self):
        """What was asked to be shown although nothing fails."""
        return self._shown

    def not_repeated(self):
        """Why the one schedule or run that was asked for was not repeated, or None."""
        if not self._replay or any(begun.repeats for begun in [*self._explorations, *self._simulations]):
            return None
        if wanted := self._replay.get("simulation"):
            return _not_repeated("run", "simulation", wanted["simulation"], self._simulations, "this case simulates nothing")
        wanted = self._replay["schedule"]["exploration"]
        return _not_repeated("schedule", "exploration", wanted, self._explorations, "this case explores no schedules")

    def _shim_process(self):
        self._busy = True
        if self._shim is None:
            answer, _, descriptors = self._link.ask("shim")
            channel = frames.Channel(socket.socket(fileno=descriptors[0]))
            self._shim = Shim(self._link, answer["process"], channel)
        return self._shim


def _not_repeated(what, whole, number, begun, none):
    if not begun:
        return none
    return f"the {what} to repeat is of {whole} {number + 1}, and this case came to {evidence.count(len(begun), whole)}"
