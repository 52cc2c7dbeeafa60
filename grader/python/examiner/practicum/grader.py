"""The examiner's end of its channel to the grader, and the one way to wait for a student.

Whatever a case waits for, it waits here: first briefly for the event alone, then for the event or for the grader's word
that nothing will ever happen in the submission any more. That word rests on kernel facts, not on a time-out.
"""

import select

import frames

from .errors import Crashed, Deadlock
from .evidence import presentable
from .wire import Wire

# Most events come at once; only a wait longer than this asks the grader to watch the submission's threads.
BRIEF_MS = 15


class Link:
    def __init__(self, channel):
        self.channel = channel
        self._next = 0
        self._answers = {}
        self._unwanted = set()
        self.exits = {}
        self.wire = Wire()
        # What must stay open until the examiner ends.
        self.kept = []
        # Words and numbers of the waits that are ours beside the student's code, and not worth a word to the student.
        self.waits_of_ours = lambda: {}

    def ask(self, what, tail=b"", **arguments):
        """Asks and waits for the answer: (answer, tail, descriptors)."""
        number = self.begin(what, tail, **arguments)
        while number not in self._answers:
            self._receive()
        return self._answers.pop(number)

    def begin(self, what, tail=b"", **arguments):
        """Asks without waiting; the answer is kept until it is taken."""
        self._next += 1
        self.channel.send({"id": self._next, "ask": what, **arguments}, tail)
        return self._next

    def end(self, outcome):
        self.channel.send({"id": 0, "ask": "end", **presentable(outcome)})

    def drain(self):
        """Takes in what has come, without waiting."""
        while _ready(self.channel, select.POLLIN, 0):
            self._feed()

    def wait(self, source, events, doing, process=None):
        """Returns once `source` is ready for `events`; fails when the submission is stuck for good.

        With `process`, also when that one has ended: others may hold its end of `source` open.
        """
        if _ready(source, events, BRIEF_MS):
            return
        watch = self.begin("still")
        poll = select.poll()
        poll.register(source, events)
        poll.register(self.channel, select.POLLIN)
        while True:
            ready = {number for number, _ in poll.poll()}
            if source.fileno() in ready:
                self._forget(watch)
                return
            self._feed()
            if process in self.exits and not _ready(source, events, 0):
                self._forget(watch)
                raise Crashed(f"{doing}: the program has ended")
            if watch in self._answers:
                answer, _, _ = self._answers.pop(watch)
                # It may have come in the moment before the submission went still.
                if _ready(source, events, 0):
                    return
                raise self.stuck(answer, doing)

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

    def _forget(self, number):
        if self._answers.pop(number, None) is None:
            self._unwanted.add(number)
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


def _ready(source, events, timeout_ms):
    poll = select.poll()
    poll.register(source, events)
    return bool(poll.poll(timeout_ms))
