"""Makes a failing run small: with fewer faults another run of the cluster may be the one that fails in the same way."""

from .faults import units

# Runs that are made for this.
RUNS_MAX = 40
# Of them, those that are tried with each choice of faults: fewer faults are other luck too.
TRIES = 4


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
        # What ends something stays as long as that does: else the cluster would be another one than the suite had in mind.
        beginnings = ([place] for place, fault in enumerate(faults) if fault.end_of is None)
        for unit in [kept, *units(faults), *beginnings]:
            fewer = [place for place in kept if place not in unit]
            if len(fewer) < len(kept):
                found = next((number for number in self._runs(index) if self._fails(number, faults, fewer)), None)
                if found is not None:
                    index, kept = found, fewer
        return index, kept

    def _runs(self, index):
        """Those to be tried. Where faults are drawn, each run has its own."""
        others = [number for number in range(min(self._plan.runs, TRIES)) if number != index]
        return [index, *others[: TRIES - 1]] if self._plan.same_faults else [index]

    def _fails(self, index, faults, kept):
        if self._left == 0:
            return False
        self._left -= 1
        once = self._plan.run(index, [faults[place] for place in kept])[0]
        flaw = self._plan.flaw(once)
        found = flaw or self._judge(once)
        # One that fails by itself is no example of what the suite found wrong, nor the other way round.
        return found is not None and found.kind == self._kind and (flaw is None or self._judge(once) is not None)
