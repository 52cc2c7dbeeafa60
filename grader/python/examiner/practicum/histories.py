"""Histories: operations that overlap in time, and whether some order of them explains what each gave.

The order is looked for by an applet (grader/src/explore/history.rs). What operations do is said by a model, a class of the suite's:

    class Register:
        initial = None
        def step(self, state, operation, arguments):
            return (arguments[0], None) if operation == "write" else (state, state)

`step` is pure and its states are plain values as JSON has them (a tuple comes back as a list). It returns the next state and the result,
or BLOCKED where the operation cannot go on in that state. A model whose keys have nothing to do with one another says so by
`key(operation, arguments)`; then each key's operations are looked at by themselves, from the initial state.
"""

import json
import select

from . import applets
from .errors import Failure, Void
from .evidence import count, short
from .values import plain

BLOCKED = object()
RAISED = "$raised"
# How a result in words begins that is an exception; those of values begin as Python writes values.
HAS_RAISED = "raised "
OPERATIONS_MAX = 2000
# Of all answers that `History` takes down, as JSON.
ANSWERS_CHARS_MAX = 500_000


def raised(name):
    """As a result in a model: an exception of that class, or of one below it."""
    return {RAISED: name}


class Checker:
    """Looks for orders by one model; what the model has answered is remembered from history to history."""

    def __init__(self, link, model):
        self._link = link
        self._model = model() if isinstance(model, type) else model
        self._channel = applets.start("history")
        self._channel.send({"model": {"initial": self._model.initial}})

    def unexplained(self, operations, stuck):
        """What no order explains of `operations` (dicts as schedules::words::Operation has them), or None.

        `stuck` tells whether those that have not returned never will; otherwise nobody knows whether they took effect.
        """
        for group in self._groups(operations):
            part = [operations[index] for index in group]
            self._channel.send({"check": {"history": part, "pending": "stuck" if stuck else "unknown"}})
            found = self._found()
            if found is not None:
                return Unexplained(part, found)
        return None

    def _groups(self, operations):
        if len(operations) > OPERATIONS_MAX:
            raise RuntimeError(f"a history has at most {OPERATIONS_MAX} operations, not {len(operations)}")
        key = getattr(self._model, "key", None)
        groups = {}
        for index, operation in enumerate(operations):
            name = json.dumps(key(operation["operation"], operation["arguments"])) if key else None
            groups.setdefault(name, []).append(index)
        return groups.values()

    def _found(self):
        while True:
            word = self._receive()
            if word == "explained":
                return None
            if word == "undecided":
                # What a program answers decides how many orders there are to try: it is no error of the suite's alone.
                raise Void("the calls and their results have too many orders to try: the model needs a key(), or fewer calls at a time")
            if "unexplained" in word:
                return word["unexplained"]
            self._channel.send([self._step(question) for question in word["step"]])

    def _step(self, question):
        stepped = self._model.step(question["state"], question["operation"], question["arguments"])
        if stepped is BLOCKED:
            return None
        state, result = stepped
        return [state, plain(result)]

    def _receive(self):
        while (frame := self._channel.take()) is None:
            # No wait of the student's: the search goes on by itself.
            poll = select.poll()
            poll.register(self._channel, select.POLLIN)
            poll.poll()
            if not self._channel.feed():
                raise RuntimeError("the history checker has ended")
        return frame[0]


class Unexplained:
    """The smallest part of a history that no order explains."""

    def __init__(self, operations, found):
        self._operations = operations
        self._found = found

    def failure(self, title, name=lambda thread: f"thread {thread}"):
        """The failure of a case; `name` gives the name of whoever performed an operation."""
        return Failure(f"{title}: {self._words(name)}", [self.evidence(title, name)])

    def places(self):
        """Where in the history the operations stand that no order can go on with: their returns, and then their beginnings."""
        refused = [self._operations[index] for index, _ in self._found["refusals"]]
        ends = [operation["returned"] for operation in refused if operation["returned"] is not None]
        return ends + [operation["invoked"] for operation in refused]

    def evidence(self, title, name):
        kept, unfinished = self._found["operations"], set(self._found["unfinished"])
        place = {index: at for at, index in enumerate(kept)}
        return {
            "kind": "history",
            "title": title,
            "operations": [self._row(index, index in unfinished, name) for index in kept],
            "order": [place[index] for index in self._found["order"]],
            "refusals": [{"operation": place[index], "expected": _expected(expected)} for index, expected in self._found["refusals"]],
        }

    def _row(self, index, unfinished, name):
        operation = self._operations[index]
        return {
            "who": name(operation["thread"]),
            "call": call_of(operation),
            "result": None if unfinished else result_of(operation),
            "begun": operation["invoked"],
            "returned": None if unfinished else operation["returned"],
        }

    def _words(self, name):
        order = self._found["order"]
        after = ", then ".join(self._said(index, name) for index in order[-3:])
        lead = f"after {'… ' if len(order) > 3 else ''}{after}, " if order else ""
        refusals = "; ".join(self._refused(index, expected, name) for index, expected in self._found["refusals"][:3])
        shown = count(len(self._found["operations"]), "operation")
        return f"no order of these {shown} explains their results: {lead}{refusals}"

    def _said(self, index, name):
        operation = self._operations[index]
        return f"{name(operation['thread'])}'s {call_of(operation)}"

    def _refused(self, index, expected, name):
        operation = self._operations[index]
        had = "waits for ever" if index in self._found["unfinished"] else _came(result_of(operation))
        return f"{self._said(index, name)} {had}, but had to {_due(_expected(expected))}"


def call_of(operation):
    return f"{operation['operation']}({', '.join(short(value) for value in operation['arguments'])})"


def result_of(operation):
    result = operation["result"]
    if "raised" in result:
        return f"{HAS_RAISED}{result['raised']['classes'][0]}"
    return short(result["value"])


def _came(result):
    """`gave 7`, `raised Empty`."""
    return result if result.startswith(HAS_RAISED) else f"gave {result}"


def _due(expected):
    """What had to come."""
    if expected is None:
        return "wait"
    return f"raise {expected.removeprefix(HAS_RAISED)}" if expected.startswith(HAS_RAISED) else f"give {expected}"


def _expected(expected):
    """In words, or None for one that had to wait."""
    if expected == "blocked":
        return None
    value = expected["result"]
    if isinstance(value, dict) and set(value) == {RAISED}:
        return f"{HAS_RAISED}{value[RAISED]}"
    return short(value)


class History:
    """What the clients of a case do, as the suite tells it: `begin` when a client's request leaves, `returned` and the like when its
    answer is there. Between the two others may do theirs."""

    def __init__(self, link):
        self._link = link
        self._operations = []
        # Who performed each.
        self._names = []
        self._moment = 0
        self._chars = 0

    def begin(self, who, operation, *arguments):
        number = len(self._operations)
        entry = {"thread": number, "operation": operation, "arguments": [plain(value) for value in arguments], "invoked": self._now(), "returned": None, "result": None}
        self._operations.append(entry)
        self._names.append(who)
        return Entry(self, entry)

    def linearizable(self, model, title="the answers of the clients"):
        """There must be one order of all operations, each between its begin and its answer, that gives every answer by the model."""
        found = Checker(self._link, model).unexplained(self._operations, stuck=False)
        if found is not None:
            raise found.failure(title, self._names.__getitem__)

    def _takes(self, answer):
        self._chars += len(json.dumps(answer))
        if self._chars > ANSWERS_CHARS_MAX:
            raise Failure(f"the program's answers are too large: more than {ANSWERS_CHARS_MAX} characters in all")
        return answer

    def _now(self):
        self._moment += 1
        return self._moment


class Entry:
    """One operation under way."""

    def __init__(self, history, entry):
        self._history = history
        self._entry = entry

    def returned(self, value):
        self._end({"value": plain(value)})
        return value

    def raised(self, name, text=""):
        self._end({"raised": {"classes": [name], "text": plain(text), "place": None, "traceback": None}})

    def _end(self, result):
        self._entry["result"] = self._history._takes(result)
        self._entry["returned"] = self._history._now()
