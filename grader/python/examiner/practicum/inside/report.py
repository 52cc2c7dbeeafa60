"""What a client of the suite's tells the suite from inside of a simulated cluster. No program of a student's has this.

    with report.operation("write", "x", 1) as operation:
        operation.ok(server.write("x", 1))      # its result; or operation.fail(), where it surely had no effect

An operation that ends in neither way, by an exception or because the client was killed, may have taken effect or not. `report.note`
takes anything else down, under a name.
"""

import itertools
import json

import values

_file = open("/report", "a", encoding="utf-8")
_numbers = itertools.count()


def note(name, value=None):
    _tell({"note": name, "value": values.plain(value)})


def operation(name, *arguments):
    return Operation(name, arguments)


class Operation:
    def __init__(self, name, arguments):
        self._number = next(_numbers)
        self._words = {"begin": self._number, "operation": name, "arguments": [values.plain(value) for value in arguments]}

    def __enter__(self):
        _tell(self._words)
        return self

    def ok(self, result=None):
        """It has taken effect, and gave this."""
        _tell({"end": self._number, "result": values.plain(result)})
        return result

    def fail(self):
        """It has not taken effect, and never will."""
        _tell({"end": self._number, "failed": True})

    def __exit__(self, *raised):
        return False


def _tell(words):
    _file.write(json.dumps(words) + "\n")
    _file.flush()
