"""What is often asked of all runs of a cluster, by what the suite's clients noted and did."""

from .errors import Failure
from .evidence import short
from .histories import OPERATIONS_MAX, Checker


class Checks:
    @property
    def history(self):
        """What the clients did by `report.operation`, in each run."""
        return Histories(self)

    def converges(self, name, message=None):
        """All that the clients note under `name`, which they do in the end, is the same."""
        self.all_hold(lambda once: _agree(name, once.notes(name), message or f"all must come to the same {name}"))

    def unique(self, name, message=None):
        """No value is noted twice under `name`."""
        self.all_hold(lambda once: _differ(once.notes(name), message or f"no {name} may be there twice"))

    def exactly_once(self, sent, delivered, message=None):
        """Each value noted as `sent` is noted as `delivered` once, and nothing else is."""
        self.all_hold(lambda once: _delivered(once.notes(sent), once.notes(delivered), message or f"each {sent} must be {delivered} exactly once"))

    def keeps_acknowledged(self, acknowledged, found, message=None):
        """Each value noted as `acknowledged` is in every list that is noted as `found` later."""
        self.all_hold(lambda once: _kept(once.notes(acknowledged), once.notes(found), message or f"what was {acknowledged} must be {found}"))


class Histories:
    """The histories of all runs."""

    def __init__(self, simulation):
        self._simulation = simulation

    def linearizable(self, model, title="the answers that the clients got"):
        """In each run there must be one order of all operations that gives every answer by the model: see histories.py."""
        simulation = self._simulation
        checker = None

        def unexplained(once):
            nonlocal checker
            operations = once.operations()
            if len(operations) > OPERATIONS_MAX:
                return Failure(f"{title}: more than {OPERATIONS_MAX} operations were begun")
            if not operations:
                return None
            checker = checker or Checker(simulation._exam._link, model)
            found = checker.unexplained(operations, stuck=False)
            if found is None:
                return None
            failure = found.failure(title, once.name)
            failure.moments = [once.reports[place][0] for place in found.places()]
            return failure

        for once in simulation:
            simulation._judge(once, unexplained)


def _agree(name, notes, message):
    if not notes:
        raise Failure(f"{message}, but nobody came to a {name}")
    (began, first, wanted), *others = notes
    for time, who, value in others:
        if value != wanted:
            raise Failure(f"{message}, but {first} noted {short(wanted)} at {began:.3f} s, and {who} noted {short(value)} at {time:.3f} s")


def _differ(notes, message):
    seen = []
    for time, who, value in notes:
        for earlier, other, same in seen:
            if same == value:
                raise Failure(f"{message}, but {other} got {short(value)} at {earlier:.3f} s, and {who} got it at {time:.3f} s")
        seen.append((time, who, value))


def _delivered(sent, delivered, message):
    values = [value for _, _, value in sent]
    found = [value for _, _, value in delivered]
    for value in values:
        if (times := found.count(value)) != 1:
            raise Failure(f"{message}, but {short(value)} was {times} times")
    for value in found:
        if value not in values:
            raise Failure(f"{message}, but {short(value)} was never sent")


def _kept(acknowledged, found, message):
    for time, who, held in found:
        for earlier, client, value in acknowledged:
            if earlier <= time and value not in held:
                raise Failure(f"{message}, but {short(value)}, acknowledged to {client} at {earlier:.3f} s, is not what {who} found at {time:.3f} s")
