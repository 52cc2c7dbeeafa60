"""Calls into the student's code: a shim process in the submission's sandbox performs them (see shim.py).

What comes back was made where student code runs. It is read as data: a malformed frame is the student's failure.
"""

import select
import sys
from signal import SIGKILL

import frames

from .errors import Crashed, Failure, Raised
from .evidence import short


# What the answers of one case may weigh: the examiner must not run out of memory by them.
ANSWERS_WEIGHT_MAX = 400 << 20
# In the grader's words, what the shim's reader waits for, and its main thread between two calls.
READER_WAITS = "to receive from a socket"
MAIN_WAITS = "for a lock or condition"


class Shim:
    """One interpreter with the student's modules."""

    def __init__(self, link, process, channel):
        self._link = link
        self.process = process
        self._channel = channel
        self._next = 0
        self._open = set()
        # The open call that occupies the main thread.
        self._ordinary = None
        self._answers = {}
        self._ended = False
        link.waits_of_ours = lambda: {READER_WAITS: 1, MAIN_WAITS: int(self._ordinary not in self._open)}

    def call(self, doing, do, *arguments):
        number = self.begin(do, *arguments)
        return self.finish(number, doing)

    def begin(self, do, *arguments, background=False):
        self._next += 1
        self._open.add(self._next)
        packer = frames.Packer(self._name)
        head = {"id": self._next, "do": do, "with": [packer.pack(argument) for argument in arguments]}
        if background:
            head["background"] = True
        else:
            self._ordinary = self._next
        sockets = packer.descriptors
        try:
            self._channel.send(head, bytes(packer.tail), [sock.fileno() for sock in sockets])
        except OSError:
            self._ended = True
        for sock in sockets:
            sock.close()
        return self._next

    def finish(self, number, doing):
        """The value of a call, once it is there."""
        while number not in self._answers:
            if self._ended:
                raise Crashed(f"{doing} has not returned: the program has ended")
            self._link.wait(self._channel, select.POLLIN, f"{doing} has not returned", self.process)
            self._feed()
        head, tail = self._answers[number]
        if "raised" in head:
            if not isinstance(head["raised"], dict):
                raise Failure("the program's answers are malformed")
            raise Raised(doing, head["raised"])
        return self._unpack(head.get("value"), tail)

    def kill(self):
        """Ends the process; its handles are of no use any more."""
        self._link.ask("signal", process=self.process, signal=SIGKILL)
        self._link.ask("exit", process=self.process)

    def finished(self, number):
        """Whether the call has returned or raised, by what has arrived."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while number not in self._answers and not self._ended and poll.poll(0):
            self._feed()
        return number in self._answers

    def _feed(self):
        try:
            self._ended = not self._channel.feed()
            while (frame := self._channel.take()) is not None:
                head, tail, descriptors = frame
                if descriptors:
                    frames.close(descriptors)
                    raise frames.Broken("an answer brings no descriptors")
                # KeyError at an answer that nobody waits for, a second one included.
                self._open.remove(head["id"])
                self._answers[head["id"]] = (head, tail)
        except ConnectionResetError:
            self._ended = True
        except (frames.Broken, KeyError, TypeError, ValueError):
            raise Failure("the program answered for itself what the examiner asked of your functions") from None
        if self._channel.framing.weight > ANSWERS_WEIGHT_MAX:
            raise Failure("the program's answers are too large")

    def _unpack(self, value, tail):
        try:
            return frames.Unpacker(tail, self._meaning).unpack(value)
        except frames.Broken as error:
            raise Failure(f"the program's answer is malformed: {error}") from None

    def _meaning(self, tagged):
        return Handle(self, int(tagged["handle"]), str(tagged["type"]))

    def _name(self, value, packer):
        if isinstance(value, Handle) and value._shim is self:
            return {"handle": value._number}
        if isinstance(value, Passed):
            packer.descriptors.append(value.socket)
            return {"socket": len(packer.descriptors) - 1, "timeout": value.timeout}
        raise TypeError(f"{short(value)} cannot be passed to the student's code")


class Passed:
    """The student's end of a pair: arrives as a socket with that time-out, and is closed here once passed."""

    def __init__(self, sock, timeout):
        self.socket = sock
        self.timeout = timeout


class Handle:
    """An object that lives beside the student's code. `handle.name(…)` calls its method `name`."""

    def __init__(self, shim, number, kind):
        self._shim = shim
        self._number = number
        self._kind = kind

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Method(self, name)

    def __call__(self, *args, **kwargs):
        return Method(self, None)(*args, **kwargs)

    def __len__(self):
        words = f"len({self._kind})"
        length = self._shim.call(words, "length", self)
        if type(length) is not int or not 0 <= length <= sys.maxsize:
            raise Failure(f"{words} must give a number, but gave {short(length)}")
        return length

    def __getitem__(self, index):
        return self._shim.call(f"{self._kind}[{short(index)}]", "item", self, index)

    def __eq__(self, other):
        return isinstance(other, Handle) and (self._shim, self._number) == (other._shim, other._number)

    def __hash__(self):
        return self._number

    def __repr__(self):
        return f"<{self._kind}>"


def an_object(value, words):
    """`value` if it is a handle; the student's failure otherwise."""
    if not isinstance(value, Handle):
        raise Failure(f"{words} must give an object, but gave {short(value)}")
    return value


class Method:
    """A callable of the student's, named but not yet called."""

    def __init__(self, target, name):
        self.target = target
        self.name = name

    def __call__(self, *args, **kwargs):
        shim = self.target._shim
        words = self.words(args, kwargs)
        value = shim.call(words, "call", self.target, self.name, list(args), kwargs)
        # By the convention of names this is a class: suites go on to call methods of what it makes.
        return an_object(value, words) if self.name and self.name[0].isupper() else value

    def begin(self, args, kwargs):
        return self.target._shim.begin("call", self.target, self.name, list(args), kwargs, background=True)

    def words(self, args, kwargs):
        shown = [short(value) for value in args] + [f"{key}={short(value)}" for key, value in kwargs.items()]
        return f"{self.name or self.target._kind}({', '.join(shown)})"


class Task:
    """A call in a thread of its own."""

    def __init__(self, method, args, kwargs):
        self._shim = method.target._shim
        self._words = method.words(args, kwargs)
        self._number = method.begin(args, kwargs)

    def done(self):
        return self._shim.finished(self._number)

    def result(self):
        return self._shim.finish(self._number, self._words)

    def raises(self, name):
        return expect(name, self._words, self.result)


class Iterator:
    """A remote iterator."""

    def __init__(self, shim, handle):
        self._shim = shim
        self._handle = handle

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return self._shim.call("next()", "next", self._handle)
        except Raised as raised:
            if raised.type == "StopIteration":
                raise StopIteration from None
            raise


def expect(name, words, act):
    """What `act` raised, which must be a `name`."""
    try:
        value = act()
    except Raised as raised:
        if name in raised.bases:
            return raised
        raise Failure(f"{words} must raise {name}, but raised {raised.said}") from None
    raise Failure(f"{words} must raise {name}, but returned {short(value)}")


def fits(value, shape):
    """A shape is a class, a list with the shape of each item, or a dict with the shape of what is under each name."""
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(name in value and fits(value[name], part) for name, part in shape.items())
    return isinstance(value, shape)
