"""How a case fails. A `Failure` is the student's to read; everything else that escapes a case is the suite's fault."""


class Failure(AssertionError):
    """The case failed. `kind` is a fact for the grader, one of those of the classes below."""

    kind = "wrong-answer"
    # Seconds of a simulated run that it is about; where there are none, those that the message names.
    moments = ()
    # Where the traffic first went another way than expected, see wire.py.
    mark = None

    def __init__(self, message, evidence=()):
        super().__init__(message)
        self.evidence = list(evidence)


class Deadlock(Failure):
    """The kernel's facts prove that what was waited for never comes."""

    kind = "deadlock"


class NotReady(Failure):
    """A program ended or got stuck before it listened."""

    kind = "not-ready"


class Crashed(Failure):
    """A program ended in the middle of the case."""

    kind = "crashed"


class TimeLimit(Failure):
    """A simulated program computed longer than it may."""

    kind = "time-limit"


class MemoryLimit(Failure):
    """A simulated program needed more memory than it may have."""

    kind = "memory-limit"


class OutputLimit(Failure):
    """A simulated program wrote more than it may."""

    kind = "output-limit"


class RuleBroken(Failure):
    """A program needs what its lane does not have."""

    kind = "rule-broken"


class Void(Failure):
    """What was seen of the program cannot be relied on: for staff to look at."""

    kind = "void"


class NotRepeated(Exception):
    """What is to be repeated is none of this case's. Whoever asked for it is told; no program is judged."""


class Raised(Exception):
    """The student's code raised. An uncaught one fails the case with the student's own traceback.

    `description` was made beside that code: any JSON may stand for any part of it.
    """

    def __init__(self, call, description):
        bases = description.get("bases")
        self.call = call
        self.type = str(description.get("type"))
        self.bases = [str(base) for base in bases] if isinstance(bases, list) else []
        self.text = str(description.get("text"))
        self.traceback = str(description.get("traceback"))
        super().__init__(f"{call} raised {_named(description.get('qualified', self.type), self.text)}")

    @property
    def said(self):
        """Its type and text, as far as it has one."""
        return _named(self.type, self.text)


def _named(kind, text):
    return f"{kind}: {text}" if text else str(kind)
