"""The examiner's process: loads the suite, runs the one case it is told to, says how it went.

Descriptor 3 is the channel to the grader. An assertion, a failure of the library and the errors of ordinary clients are
the student's; any other exception is the suite's own fault.
"""

import signal
import socket

import frames
from practicum.errors import Failure, NotRepeated, Raised
from practicum.evidence import of_traceback
from practicum.exam import Exam
from practicum.grader import Link


def main():
    channel = frames.Channel(socket.socket(fileno=3))
    order, _, _ = channel.receive()
    link = Link(channel)
    said = outcome(link, order)
    if said["outcome"] == "failed":
        # Whether a program is crashing just now is a fact that the verdict rests on.
        link.ask("settle")
    link.end(said)
    # Until the grader kills us: what the case held stays open while it is judged, and nobody tidies up in vain.
    while True:
        signal.pause()


def outcome(link, order):
    try:
        with open("suite.py", encoding="utf-8") as source:
            suite = {"__name__": "suite", "__file__": "suite.py"}
            exec(compile(source.read(), "suite.py", "exec"), suite)
        case = suite[order["case"].replace("-", "_")]
    except BaseException as mistake:
        return error(mistake)
    exam = Exam(link, order)
    try:
        case(exam)
        exam.finish()
        exam.repeat()
        shown = exam.shown()
    except NotRepeated as told:
        return not_repeated(str(told))
    except Exception as mistake:
        # With it the case's frames stay, and so every socket that the case held: closing them now would be one more
        # thing that happens to the program.
        link.kept.append(mistake)
        if (reason := exam.not_repeated()) is not None:
            return not_repeated(f"{reason}; before that it fails: {mistake}")
        if isinstance(mistake, Failure):
            mistake.evidence += exam.last_look()
        first = link.faults[0] if link.faults else mistake
        return link.wire.told(judged(first), first)
    if link.faults:
        return link.wire.told(judged(link.faults[0]), link.faults[0])
    if (reason := exam.not_repeated()) is not None:
        return not_repeated(reason)
    return {"outcome": "passed", "evidence": shown}


def judged(mistake):
    if isinstance(mistake, Failure):
        return failed(mistake.kind, str(mistake), mistake.evidence)
    if isinstance(mistake, Raised):
        return failed("crashed", str(mistake), [of_traceback(mistake.traceback)])
    if isinstance(mistake, (AssertionError, OSError, EOFError)):
        return failed("wrong-answer", str(mistake) or type(mistake).__name__, [])
    if is_protocol_error(mistake):
        return failed("wrong-answer", f"{type(mistake).__name__}: {mistake}", [])
    return error(mistake)


def failed(kind, message, evidence):
    return {"outcome": "failed", "kind": kind, "message": message, "evidence": evidence}


def not_repeated(reason):
    return {"outcome": "not-repeated", "reason": reason}


def error(mistake):
    # Slow to import, and seldom needed.
    import traceback

    return {"outcome": "error", "reason": "".join(traceback.format_exception(mistake))[-8000:]}


def is_protocol_error(mistake):
    """Whether one of the standard clients says that the server does not speak its protocol."""
    clients = {"http", "xmlrpc", "ftplib", "zmq", "pika"}
    return type(mistake).__module__.split(".")[0] in clients
