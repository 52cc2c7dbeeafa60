"""Makes a failing run small: fewer faults that still make it fail in the same way, then an earlier run that fails with these."""

from .faults import units

# Runs that are made for this.
RUNS_MAX = 40


def shrunk(plan, once, mistake, judge):
    """The number of a run, and which of its faults are left."""
    return Shrinking(plan, mistake, judge).run(once.index)


class Shrinking:
    def __init__(self, plan, mistake, judge):
        self._plan = plan
        self._kind = mistake.kind
        self._judge = judge
        self._left = RUNS_MAX

    def run(self, index):
        faults = self._plan.faults(index)
        kept = list(range(len(faults)))
        if kept and self._fails(index, []):
            kept = []
        # What ends something stays as long as that does: else the cluster would be another one than the suite had in mind.
        beginnings = ([place] for place, fault in enumerate(faults) if fault.end_of is None)
        for unit in [*units(faults), *beginnings]:
            fewer = [place for place in kept if place not in unit]
            if len(fewer) < len(kept) and self._fails(index, [faults[place] for place in fewer]):
                kept = fewer
        # With all faults no earlier run fails, and where faults are drawn, each run has its own.
        if len(kept) < len(faults) and self._plan.same_faults:
            earlier = (number for number in range(index) if self._fails(number, [faults[place] for place in kept]))
            index = next(earlier, index)
        return index, kept

    def _fails(self, index, faults):
        if self._left == 0:
            return False
        self._left -= 1
        once = self._plan.run(index, faults)[0]
        flaw = self._plan.flaw(once)
        found = flaw or self._judge(once)
        # One that fails by itself is no example of what the suite found wrong, nor the other way round.
        return found is not None and found.kind == self._kind and (flaw is None or self._judge(once) is not None)
