"""A cluster of a student's programs on a simulated network, run many times, each time with other luck.

A run is a function of its seed: which packet is late or lost, what the programs draw at random, where a fault strikes. So whatever a run
shows can be shown again, to the byte. Runs are made when something is asked of them, at the latest at the end of the case. Of those that
fail the first one counts. It is made small (shrinking.py), and then shown.
"""

import base64
import hmac
import json
import os
import random
import re
import struct

from . import faults as deeds
from . import flaws
from .checks import Checks
from .errors import NotRepeated, Void
from .evidence import of_output
from .explore import mistake_of
from .shrinking import shrunk
from .values import natural

INSIDE = os.path.join(os.path.dirname(__file__), "inside")
DRIVERS = "drivers"
# First byte of a run's token, as grader/src/replay.rs has it.
TOKEN_FORM = 0xB2
TOKEN_CHARS_MAX = 100
# That a message names, and a picture shows.
MOMENTS_MAX = 8


class Once:
    """What one run showed."""

    def __init__(self, index, ran, clients, faults):
        self.index = index
        # "done": every program has ended; "still": nothing would ever have happened any more; "time-up"; "events-max".
        self.end = ran.end
        # Seconds of virtual time, as all times here.
        self.at = ran.at
        self.hash = ran.hash
        self.nodes = ran.nodes
        self.clients = clients
        # What was done to the cluster: each with `.at`, `.what` and `.who`.
        self.faults = faults
        # (time, who, what) of all that the suite's clients told.
        self.reports = [(time, who, _words_of(line)) for time, who, line in ran.reports]

    def output(self, name):
        """What a program has written to its standard output, as a text."""
        return self.nodes[name].output().decode("utf-8", "replace")

    def lines(self, name):
        """(time, line) for each whole line of its standard output; the time is that of its end."""
        found, begun = [], b""
        for time, stream, data in self.nodes[name].written:
            if stream == "stdout":
                *whole, begun = (begun + data).split(b"\n")
                found += [(time, line.decode("utf-8", "replace")) for line in whole]
        return found

    def exit(self, name):
        """How the program's last life ended: `.kind`, and the `.code` of one that exited."""
        return self.nodes[name].exit

    def fuel(self, name):
        """What it has computed, in all of its lives."""
        return self.nodes[name].fuel

    def notes(self, name):
        """(time, who, value) of each `report.note(name, value)` of the suite's clients, in order."""
        return [(time, who, natural(words.get("value"))) for time, who, words in self.reports if words.get("note") == name]

    def operations(self):
        """What the clients did, as a history; what surely had no effect is not part of it."""
        found, open_ones = [], {}
        for moment, (_, who, words) in enumerate(self.reports):
            if words.get("started"):
                # Another life of a client counts from the beginning.
                open_ones = {key: entry for key, entry in open_ones.items() if key[0] != who}
            elif "begin" in words:
                entry = {"thread": list(self.nodes).index(who), "invoked": moment, "returned": None, "result": None}
                entry |= {"operation": words["operation"], "arguments": words["arguments"]}
                open_ones[who, words["begin"]] = entry
                found.append(entry)
            elif (entry := open_ones.pop((who, words.get("end")), None)) is not None:
                if words.get("failed"):
                    found.remove(entry)
                else:
                    entry |= {"returned": moment, "result": {"value": words.get("result")}}
        return found

    def name(self, number):
        return list(self.nodes)[number]


class Simulation(Checks):
    """All runs of one cluster."""

    def __init__(self, exam, number, plan, replay, shrink):
        self._exam = exam
        self._number = number
        self._plan = plan
        # The one run that is to be made: (index, faults as a bit mask); or () where it is another simulation's.
        self._replay = replay
        # Whether a failing run is shown with fewer faults; None where that depends on the check.
        self._shrink = shrink
        self._runs = {}
        # Of the run that is repeated.
        self._picture = None

    # What the suite asks

    def every(self, check):
        """`check(once)` must hold in each run. What was done to the cluster is in `once.faults`, and stays as it is when a run is shown."""
        for once in self:
            self._judge(once, lambda once: mistake_of(check, once), shrink=bool(self._shrink))

    def all_hold(self, check):
        """The same for a check that holds whatever is done to the cluster: a run that fails is shown with as few faults as it fails with."""
        for once in self:
            self._judge(once, lambda once: mistake_of(check, once))

    def __iter__(self):
        for index in self._indexes():
            yield self._once(index)

    def finish(self):
        """Makes the runs that nobody has asked for."""
        for _ in self:
            pass

    @property
    def repeats(self):
        return bool(self._replay)

    # Runs

    def _indexes(self):
        if self._replay is None:
            return range(self._plan.runs)
        return self._replay[:1]

    def _once(self, index):
        if index not in self._runs:
            if self._replay:
                self._repeat(index)
            else:
                self._runs[index] = self._plan.run(index)[0]
            self._judge(self._runs[index], self._plan.flaw)
        return self._runs[index]

    def _repeat(self, index):
        faults = self._plan.faults(index)
        kept = _unmasked(self._replay[1], len(faults))
        if index >= self._plan.runs or kept is None:
            raise NotRepeated("the run to repeat is none of this simulation's")
        self._runs[index], self._picture = self._plan.traced(index, [faults[place] for place in kept])
        self._exam._shown.append(self._picture())

    def _judge(self, once, judge, shrink=True):
        """Fails by what `judge` finds wrong with a run, in the smallest run that it finds wrong in the same way."""
        mistake = judge(once)
        if mistake is None:
            return
        token = self._exam.repeated_token
        index, picture = once.index, self._picture
        if picture is None:
            all_faults = self._plan.faults(index)
            kept = range(len(all_faults))
            if shrink and self._shrink is not False:
                index, kept = shrunk(self._plan, once, mistake, judge)
                all_faults = self._plan.faults(index)
            token = _token(self._number, index, kept, len(all_faults))
            once, picture = self._plan.traced(index, [all_faults[place] for place in kept])
            mistake = judge(once) or mistake
        else:
            self._exam._shown.clear()
        drawn = picture([deeds.nanoseconds(moment) for moment in mistake.moments or _named(mistake)])
        replay = f"; to repeat it: {token}" if token else ""
        mistake.args = (f"{mistake} (run {index + 1} of {self._plan.runs}{replay})",)
        drawn["run"]["token"] = token
        mistake.evidence += [drawn, *self._plan.spoken(once)]
        raise mistake


class Plan:
    """What is run."""

    def __init__(self, exam, number, nodes, clients, settings, faults, runs, allow):
        for word in allow:
            if word not in flaws.FATAL:
                raise ValueError(f"{word!r} is nothing that a run fails by; {', '.join(flaws.FATAL)} are")
        self._exam = exam
        self._number = number
        self._nodes = {name: _words(argv) for name, argv in nodes.items()}
        self._clients = {name: _words(argv) for name, argv in clients.items()}
        self._cast = deeds.Cast(self._nodes, self._clients)
        self._settings = settings
        self._faults = faults
        self.runs = runs
        self._allow = allow
        for name in [*settings["starts"], *settings["clocks"]]:
            self._cast.number(name)

    def faults(self, index):
        """What is done in a run, in order of time."""
        drawn = self._faults(random.Random(self._seed(index, b"faults"))) if callable(self._faults) else self._faults
        return sorted(drawn, key=lambda fault: fault.ns)

    @property
    def same_faults(self):
        """Whether they are the same in each run."""
        return not callable(self._faults)

    def run(self, index, faults=None, trace=False):
        """The run of that number, with these faults in place of all its own: what it showed, the order, and the answer's bytes."""
        faults = self.faults(index) if faults is None else faults
        cluster = self._cluster(index, faults, trace)
        ran, tail = self._exam.simulator().run(cluster)
        return Once(index, ran, list(self._clients), faults), cluster, tail

    def traced(self, index, faults):
        """A run, and what draws a picture of it, given the moments that it is to show."""
        once, cluster, tail = self.run(index, faults, trace=True)
        title = f"run {index + 1} of {self.runs}"
        return once, lambda moments=(): self._exam.picture_of_run(title, cluster, tail, moments)

    def _seed(self, index, purpose=b"run"):
        words = b"simulation %d %s %d" % (self._number, purpose, index)
        return hmac.digest(self._exam._seed.encode(), words, "sha256")

    def _cluster(self, index, faults, trace):
        settings, network = self._settings, {}
        script = []
        for fault in faults:
            deed = fault.deed(self._cast)
            if fault.ns == 0 and isinstance(deed, dict) and "network" in deed:
                network = deed["network"]
            else:
                script.append({"at": fault.ns, "deed": deed})
        return {
            "nodes": [*(self._node(name, argv) for name, argv in self._nodes.items()), *(self._client(*client) for client in self._clients.items())],
            "script": script,
            "network": network,
            "seed": int.from_bytes(self._seed(index)[:8], "big"),
            "until": deeds.nanoseconds(settings["until"]),
            "limits": settings["limits"],
            "trace": trace,
        }

    def _node(self, name, argv):
        offset, drift = self._settings["clocks"].get(name, (0, 0))
        clocks = {"clock_offset": deeds.nanoseconds(offset), "clock_drift_ppm": drift}
        return {**self._common(name, argv), "image": "submission", **clocks}

    def _client(self, name, argv):
        argv = ["/practicum/client.py", argv[0].removeprefix(f"{DRIVERS}/"), *argv[1:]]
        return {**self._common(name, argv), "image": "clients", "reports": True}

    def _common(self, name, argv):
        starts_at = deeds.nanoseconds(self._settings["starts"].get(name, 0))
        return {"name": name, "program": {"python": {"argv": argv}}, "env": {"NODE": name}, "starts_at": starts_at}

    def flaw(self, once):
        """What a run fails by without being asked for, or None."""
        return flaws.flaw(once, self._clients, self._settings["limits"], self._allow)

    def spoken(self, once):
        """What the programs of the run wrote, for the student to read."""
        parts = []
        for name in self._nodes:
            for stream in ("stderr", "stdout"):
                data = once.nodes[name].output(stream)
                parts += [of_output(name, stream, data)] if data else []
        return parts[:MOST_OUTPUTS]


# Of the streams of a run that are shown.
MOST_OUTPUTS = 8


def simulate(exam, number, nodes, clients, faults, settings, runs, allow, shrink):
    """See `Exam.simulate`."""
    plan = Plan(exam, number, nodes, clients, settings, faults, runs, allow)
    return Simulation(exam, number, plan, _replay(exam, number), shrink)


def client_image():
    """The suite's drivers, and what they talk to the suite by."""
    files = {}
    for folder, _, names in os.walk(DRIVERS):
        for name in names:
            path = os.path.join(folder, name)
            files["work/" + os.path.relpath(path, DRIVERS)] = content_of(path)
    for name in ("client.py", "report.py"):
        files[f"practicum/{name}"] = content_of(os.path.join(INSIDE, name))
    files["practicum/values.py"] = content_of(os.path.join(os.path.dirname(__file__), "values.py"))
    return files


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def _words_of(line):
    """A report of a client's, which is the suite's own program."""
    try:
        words = json.loads(line)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, dict):
        raise Void("what the simulator tells of a client makes no sense")
    return words


def _words(argv):
    return [str(word) for word in ([argv] if isinstance(argv, str) else argv)]


def _replay(exam, number):
    if exam._replay is None:
        return None
    wanted = exam._replay.get("simulation")
    if wanted is None or wanted["simulation"] != number:
        return ()
    return wanted["run"], bytes(wanted["faults"])


def _named(mistake):
    """The moments that a message names, such as 3.25 s."""
    return [float(found) for found in re.findall(r"(?<![\d.])\d+\.\d{2,3}(?![\d.])", str(mistake))[:MOMENTS_MAX]]


def _token(number, index, kept, faults):
    """A run as a word that fits into a line; None where it does not."""
    mask = bytearray()
    if len(kept) < faults:
        mask = bytearray((faults + 7) // 8)
        for place in kept:
            mask[place // 8] |= 1 << place % 8
    text = base64.urlsafe_b64encode(struct.pack(">BHH", TOKEN_FORM, number, index) + mask).decode().rstrip("=")
    return text if len(text) <= TOKEN_CHARS_MAX else None


def _unmasked(mask, faults):
    """Places of the faults that are kept; None where there are no such faults."""
    if not mask:
        return list(range(faults))
    places = [place for place in range(8 * len(mask)) if mask[place // 8] >> place % 8 & 1]
    return places if len(mask) == (faults + 7) // 8 and all(place < faults for place in places) else None
