"""The student's module under schedules: which threads are interrupted where, chosen outside and by the case's seed.

The search is an applet's (grader/src/explore/mod.rs), which also believes or does not believe what comes back; a worker beside the
student's code carries schedules out. Here is what the suite says to that: what is run, and whether what was seen is right.

An exploration begins when something is asked of it, at the latest with the next one or at the end of the case.
"""

import json
import os
import select
from signal import SIGKILL

from . import applets
from .errors import Crashed, Deadlock, Failure, NotRepeated, Void
from .evidence import count, of_traceback, short
from .histories import OPERATIONS_MAX, Checker
from .programs import Exit
from .values import natural

# Schedules of a driver's scene, and of each generated scenario: half of them with few preemptions, as far as there are so many.
SCHEDULES = 600
SCHEDULES_GENERATED = 160
# Points of all schedules of an exploration.
POINTS_MAX = 4_000_000
# What a run may do before it is called endless, as schedules::words::Limits has it.
LIMITS = {"points_max": 20_000, "spins_max": 100, "instructions_max": 3_000_000, "threads_max": 64}
# Facts that fail a run without being asked for.
FATAL = ("deadlock", "exception", "livelock", "busy-wait", "out-of-reach")
ON_DEMAND = ("unjoined", "starvation")
GRANULARITIES = ("shared", "interpreter", "synchronisation")


class Choice:
    """A value that the case's seed chooses."""

    def __init__(self, draw):
        self.draw = draw


def integers(least, most):
    return Choice(lambda random: random.randint(least, most))


def one_of(*values):
    return Choice(lambda random: random.choice(values))


class Seen:
    """What one schedule showed."""

    def __init__(self, words):
        # What the driver returned; None where it did not return.
        self.value = natural(words["value"][0]) if words["value"] else None
        self.returned = bool(words["value"])
        # (name of the thread, value) of each `note`, in order.
        self.notes = [(name, natural(value)) for name, value in words["notes"]]
        self.history = words["history"]
        # Kinds of facts by which it could fail and does not.
        self.facts = [fact["kind"] for fact in words["facts"]]
        self._threads = words["threads"]

    def name(self, thread):
        return self._threads[thread] if thread < len(self._threads) else f"thread {thread}"


class Exploration:
    def __init__(self, exam, task, title, replay):
        self._exam = exam
        self._link = exam._link
        self._task = task
        self._title = title
        # The token of the one schedule that is to be run; "" where it is another exploration's.
        self._replay = replay
        self._channel = None
        self._worker = None
        self._seen = None
        # The schedule that was shown already, where only one is run.
        self._picture = None
        self._schedules = 0
        self._certificates = []
        # Of the schedules, as the applet tells and reads them.
        self.samples = []
        # Whether the one schedule to repeat is of this exploration, and was asked for.
        self.repeats = False

    # What the suite asks

    def always(self, check):
        """`check(value)` for each different value that the driver has returned under some schedule."""
        tried = []
        for index, seen in enumerate(self._all()):
            if seen.returned and seen.value not in tried:
                tried.append(seen.value)
                self._judge(index, lambda seen: mistake_of(check, seen.value) if seen.returned else None)

    def each(self):
        """Everything that was seen, once each: `.value`, `.notes`, `.history`, `.facts`.

        Where the case fails while it looks at one of these, a schedule that shows it goes with the failure.
        """
        for index, seen in enumerate(self._all()):
            self._exam._looked_at = (self, index)
            yield seen
        self._exam._looked_at = None

    @property
    def history(self):
        """What was called through `call`, or the operations: see `Histories`."""
        return Histories(self)

    @property
    def schedules(self):
        """How many were run."""
        self._all()
        return self._schedules

    @property
    def complete(self):
        """The number of preemptions up to which every schedule of every scenario was run; None where that is not so for any."""
        self._all()
        done = [certificate and certificate["preemptions"] for certificate in self._certificates]
        return min(done) if done and None not in done else None

    def finish(self):
        """Explores, if nothing was asked yet."""
        self._all()

    def picture(self, index):
        """Evidence of an outcome as it is, for a failure that nobody can try again."""
        return self._show(index, False, lambda seen: True)["evidence"]

    # The search

    def _all(self):
        if self._seen is None:
            self._seen = []
            if self._replay != "":
                self._explore()
        return self._seen

    def _explore(self):
        self.repeats = self._replay is not None
        self._channel = applets.start("explore")
        self._channel.send({"explore": {"task": self._task, "replay": self._replay}})
        word, tail = self._hear(None)
        if "explored" in word:
            self._schedules = word["explored"]["schedules"]
            self._certificates = word["explored"]["certificates"]
            results = json.loads(tail)
            self._seen = [Seen(outcome["seen"]) for outcome in results["outcomes"]]
            self.samples = results["samples"]
            self._end_worker()
            return
        picture = json.loads(tail)
        if picture["fact"]:
            raise self._failure(picture)
        # One schedule alone was run, and it does not fail by itself.
        self._picture = picture
        self._seen = [Seen(picture["seen"])]
        self._exam._shown.append(picture["evidence"])

    def _failure(self, picture):
        kind, words = picture["fact"]
        blame = {"deadlock": Deadlock, "out-of-reach": Deadlock, "exception": Crashed}.get(kind, Failure)
        evidence = [of_traceback(picture["traceback"])] if picture["traceback"] else []
        return blame(self._told(words), [picture["evidence"], *evidence])

    def _told(self, words):
        return f"{self._title}: {words}" if self._title else words

    def _judge(self, index, judge, history=False):
        """Fails by what `judge` finds wrong with an outcome, with the simplest schedule that it finds wrong in the same way."""
        mistake = judge(self._seen[index])
        if mistake is None:
            return
        if self._picture is not None:
            # It is the one schedule that was asked for.
            self._exam._shown.clear()
            picture = self._picture
        else:
            picture = self._show(index, history, lambda seen: judge(seen) is not None)
            mistake = judge(Seen(picture["seen"])) or mistake
        mistake.evidence.append(picture["evidence"])
        raise mistake

    def _show(self, index, history, fails):
        self._channel.send({"show": {"outcome": index, "history": history}})
        _, tail = self._hear(fails)
        return json.loads(tail)

    def _hear(self, fails):
        """What the applet has come to, as (word, tail); gives it meanwhile what it wants."""
        while True:
            word, tail = self._receive()
            if word == "want-worker":
                self._end_worker()
                answer, _, descriptors = self._link.ask("scheduler")
                self._worker = answer["process"]
                self._channel.send("worker", b"", descriptors)
                os.close(descriptors[0])
            elif word == "want-sources":
                self._channel.send("sources", json.dumps(self._sources()).encode())
            elif word == "judge":
                self._channel.send({"judged": fails(Seen(json.loads(tail)))})
            elif word in ("shown", "repeated") or "explored" in word:
                return word, tail
            else:
                raise self._trouble(*next(iter(word.items())))

    def _receive(self):
        while (frame := self._channel.take()) is None:
            # An applet that waits does so for the worker.
            still = self._link.ready_or_still(self._channel, select.POLLIN)
            if still is not None:
                words = "a thread waits for something that is neither of threading nor of queue, sockets or time"
                raise Deadlock(self._told(f"a schedule does not come to its end, and never will: {words}"))
            if not self._channel.feed():
                raise RuntimeError("the explorer has ended")
        return frame[0], frame[1]

    def _trouble(self, kind, words):
        if kind == "void":
            return Void(words)
        if kind == "unknown":
            return NotRepeated(words)
        if kind == "refused":
            lines = words.strip().splitlines() or ["it cannot be run"]
            return Crashed(self._told(lines[-1]), [of_traceback(words)] if len(lines) > 1 else [])
        if kind == "ended":
            answer, _, _ = self._link.ask("exit", process=self._worker)
            how = Exit(answer["exit"]) if answer.get("exit") is not None else "it closed what it is spoken to by"
            again = f" (to repeat it: {words})" if words else ""
            return Crashed(self._told(f"the program ended in the middle of a schedule: {how}{again}"))
        return Failure(self._told(words))

    def _end_worker(self):
        if self._worker is not None:
            self._link.ask("signal", process=self._worker, signal=SIGKILL)
            self._link.ask("exit", process=self._worker)
            self._worker = None

    def _sources(self):
        sources = {}
        try:
            for name in self._exam.files():
                if name.endswith(".py"):
                    sources[name] = (self._exam.read_file(name) or b"").decode("utf-8", "replace")
        except Failure:
            # What the program has done to its files makes for less to see, and for nothing else.
            pass
        return sources


class Repetition(Exploration):
    """The samples of all explorations of a case again, in one process."""

    def __init__(self, exam, explorations):
        super().__init__(exam, None, "", None)
        self._explorations = explorations

    def run(self):
        self._channel = applets.start("explore")
        explored = [{"task": exploration._task, "samples": exploration.samples} for exploration in self._explorations]
        self._channel.send("repeat", json.dumps(explored).encode())
        self._hear(None)
        self._end_worker()


class Histories:
    """The histories of all schedules."""

    def __init__(self, exploration):
        self._exploration = exploration

    def linearizable(self, model):
        """In each there must be one order of all calls that gives every answer by the model: see histories.py.

        A run that got stuck is right where the model is blocked there too.
        """
        exploration = self._exploration
        seen = exploration._all()
        if any(one.history for one in seen):
            checker = Checker(exploration._link, model)
            for index in range(len(seen)):
                exploration._judge(index, lambda one: self._unexplained(checker, one), history=True)

    def _unexplained(self, checker, seen):
        if len(seen.history) > OPERATIONS_MAX:
            return Failure(self._exploration._told(f"more than {OPERATIONS_MAX} calls were made under one schedule"))
        found = checker.unexplained(seen.history, stuck="deadlock" in seen.facts)
        return found and found.failure(self._exploration._title or "the results of the calls", seen.name)


def mistake_of(check, value):
    """How `check` fails, or None."""
    try:
        check(value)
    except Failure as mistake:
        return mistake
    except AssertionError as mistake:
        return Failure(str(mistake) or f"a schedule ends with {short(value)}")
    return None


def explore(exam, where, module, operations, schedules, preemptions, granularity, sleepers_may_wake, forbid, allow, at_least, arguments):
    """See `Exam.explore`."""
    if granularity not in GRANULARITIES:
        raise ValueError(f"granularity is one of {', '.join(GRANULARITIES)}, not {granularity!r}")
    file, name = where.rsplit(":", 1)
    if operations is None:
        title, module, bodies = "", module, [_driver(file, name, arguments)]
    else:
        title, module, bodies = "", file, list(_generated(exam.random, name, operations, **arguments))
    schedules = schedules or (SCHEDULES if operations is None else SCHEDULES_GENERATED)
    number = len(exam._explorations)
    common = {"subject": {"file": module}, "granularity": granularity, "sleepers_may_wake": sleepers_may_wake, "limits": LIMITS, "seed": 0}
    task = {
        "seed": exam._seed,
        "exploration": number,
        "scenarios": [{**common, "body": body} for body in bodies],
        "budget": {"bounded": (schedules + 1) // 2, "portfolio": schedules // 2, "preemptions": preemptions, "points": POINTS_MAX},
        "fatal": _fatal(operations is not None, forbid, allow),
        "threads_min": (at_least or {}).get("threads", 1),
    }
    replay = None
    if exam._replay:
        wanted = exam._replay.get("schedule")
        replay = wanted["token"] if wanted and wanted["exploration"] == number else ""
    return Exploration(exam, task, title, replay)


def _driver(file, function, arguments):
    with open(file, encoding="utf-8") as source:
        return {"driver": {"name": file, "source": source.read(), "function": function, "arguments": arguments}}


def _generated(random, name, operations, new=(), threads=(2, 3), per_thread=(2, 3), scenarios=8):
    for _ in range(scenarios):
        calls = [[_call(random, operations) for _ in range(_drawn(random, per_thread))] for _ in range(_drawn(random, threads))]
        yield {"operations": {"class": name, "new": list(new), "threads": calls}}


def _call(random, operations):
    operation = random.choice(list(operations))
    arguments = [value.draw(random) if isinstance(value, Choice) else value for value in operations[operation]]
    return {"operation": operation, "arguments": arguments}


def _drawn(random, number):
    return number if isinstance(number, int) else random.randint(*number)


def _fatal(operations, forbid, allow):
    for word in (*forbid, *allow):
        if word not in (*FATAL, *ON_DEMAND):
            raise ValueError(f"{word!r} is no fact of a schedule")
    # Operations that wait for ever are for the model to judge.
    allow = (*allow, "deadlock") if operations else allow
    return [word for word in (*FATAL, *forbid) if word not in allow]
