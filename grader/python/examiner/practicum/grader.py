"""The examiner's end of its channel to the grader, and the one way to wait for a student.

Whatever a case waits for, it waits here: first briefly for the event alone, then for the event or for the grader's word
that nothing will ever happen in the submission any more. That word rests on kernel facts, not on a time-out.
"""

import os
import select
import threading

from .errors import Crashed, Deadlock
from .evidence import presentable
from .wire import Wire

# Most events come at once; only a wait longer than this asks the grader to watch the submission's threads.
BRIEF_MS = 15


class Faults(list):
    """What went wrong in threads beside the case: readable from the first on, so that nobody waits any longer."""

    def __init__(self):
        super().__init__()
        self._news = os.eventfd(0)

    def append(self, mistake):
        super().append(mistake)
        os.eventfd_write(self._news, 1)

    def fileno(self):
        return self._news


class Link:
    def __init__(self, channel):
        self.channel = channel
        self._next = 0
        self._answers = {}
        self._unwanted = set()
        # Held while a question is sent: threads beside the main one ask too.
        self._turn = threading.Lock()
        # What those threads wait on until their answers have come.
        self._asked_beside = {}
        # What went wrong in those threads: the case is judged by the first of it.
        self.faults = Faults()
        self.exits = {}
        # Of fixtures that hold messages back until nothing else happens: each lets some go, and tells whether there were any.
        self.holders = []
        self.wire = Wire()
        # What must stay open until the examiner ends.
        self.kept = []
        # Words and numbers of the waits that are ours beside the student's code, and not worth a word to the student.
        self.waits_of_ours = lambda: {}

    def ask(self, what, tail=b"", descriptors=(), **arguments):
        """Asks and waits for the answer: (answer, tail, descriptors)."""
        while True:
            number = self.begin(what, tail, descriptors, **arguments)
            while number not in self._answers:
                self._receive()
            answer = self._answers.pop(number)
            # After a failure nothing more is to happen to the programs.
            if what == "settle" or answer[0].get("waits") is None or not self._let_go():
                return answer

    def begin(self, what, tail=b"", descriptors=(), **arguments):
        """Asks without waiting; the answer is kept until it is taken."""
        with self._turn:
            return self._send(what, arguments, tail, descriptors)

    def ask_beside(self, what, **arguments):
        """`ask` for a thread that is not the main one, which takes in the answer wherever it waits."""
        answered = threading.Lock()
        answered.acquire()
        with self._turn:
            self._asked_beside[self._next + 1] = answered
            number = self._send(what, arguments)
        answered.acquire()
        return self._answers.pop(number)

    def _send(self, what, arguments, tail=b"", descriptors=()):
        self._next += 1
        self.channel.send({"id": self._next, "ask": what, **arguments}, tail, descriptors)
        return self._next

    def end(self, outcome):
        with self._turn:
            self.channel.send({"id": 0, "ask": "end", **presentable(outcome)})

    def drain(self):
        """Takes in what has come, without waiting."""
        while _ready(self.channel, select.POLLIN, 0):
            self._feed()

    def wait(self, source, events, doing, process=None):
        """Returns once `source` is ready for `events`; fails when the submission is stuck for good.

        With `process`, also when that one has ended: others may hold its end of `source` open.
        """
        still = self.ready_or_still(source, events, process)
        if still is not None:
            if process in self.exits:
                raise Crashed(f"{doing}: the program has ended")
            raise self.stuck(still, doing)

    def ready_or_still(self, source, events, process=None):
        """None once `source` is ready; otherwise the grader's answer that nothing will happen any more."""
        if _ready(source, events, BRIEF_MS):
            return None
        watch = self.begin("still")
        poll = select.poll()
        poll.register(source, events)
        poll.register(self.channel, select.POLLIN)
        poll.register(self.faults, select.POLLIN)
        while True:
            ready = {number for number, _ in poll.poll()}
            if self.faults:
                raise self.faults[0]
            if source.fileno() in ready:
                self._forget(watch)
                return None
            self._feed()
            if process in self.exits and not _ready(source, events, 0):
                self._forget(watch)
                return {"waits": []}
            if watch in self._answers:
                answer, _, _ = self._answers.pop(watch)
                # It may have come in the moment before the submission went still.
                if _ready(source, events, 0):
                    return None
                if not self._let_go():
                    return answer
                watch = self.begin("still")

    def stuck(self, answer, doing):
        """The failure for a submission in which nothing will happen any more; `doing` says what has not happened."""
        if not answer["waits"]:
            return Crashed(f"{doing}: the program has ended")
        return Deadlock(f"{doing}, and never will: {self.described(answer['waits'])}")

    def described(self, waits):
        ours = self.waits_of_ours()
        theirs = [(words, number - ours.get(words, 0)) for words, number in waits]
        threads = [(f"{number} threads wait" if number > 1 else "a thread waits") + f" {words}" for words, number in theirs if number > 0]
        return "in the program " + " and ".join(threads) if threads else "no thread of the program is at work any more"

    def _let_go(self):
        """Whether something happens after all in a submission that was proved still, for a fixture had held it back."""
        return any([let_go() for let_go in self.holders])

    def _forget(self, number):
        if self._answers.pop(number, None) is None:
            self._unwanted.add(number)
            with self._turn:
                self.channel.send({"id": number, "ask": "forget"})

    def _receive(self):
        frame = self.channel.take()
        while frame is None:
            if not self.channel.feed():
                raise SystemExit("the grader is gone")
            frame = self.channel.take()
        self._sort(frame)

    def _feed(self):
        if not self.channel.feed():
            raise SystemExit("the grader is gone")
        while (frame := self.channel.take()) is not None:
            self._sort(frame)

    def _sort(self, frame):
        head = frame[0]
        if "event" in head:
            self.exits[head["process"]] = head["exit"]
        elif head["id"] in self._unwanted:
            self._unwanted.discard(head["id"])
        else:
            self._answers[head["id"]] = frame
            beside = self._asked_beside.pop(head["id"], None)
            if beside is not None:
                beside.release()


def _ready(source, events, timeout_ms):
    poll = select.poll()
    poll.register(source, events)
    return bool(poll.poll(timeout_ms))
