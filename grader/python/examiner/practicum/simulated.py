"""The powers of `exam` in the simulated lane: clusters (simulate.py) and single programs (single.py)."""

import hmac
import json

from . import applets, single
from .errors import RuleBroken, Void
from .flaws import limits_of
from .simulate import client_image, simulate
from .simulator import Simulator


class Simulated:
    def __init__(self):
        self._simulator = None
        self._submitted = None
        self._simulations = []
        # Single programs so far: each draws other random numbers.
        self._machines = 0
        # What the last one wrote.
        self._spoken = []
        self._native_too = False

    def simulate(
        self,
        nodes,
        clients=None,
        faults=(),
        until=60,
        runs=50,
        starts=None,
        clocks=None,
        allow=(),
        shrink=None,
        cpu_s=5,
        memory_mib=64,
        disk_mib=16,
        output_bytes=64 << 10,
    ):
        """The student's programs as `nodes`, by name a file and its arguments, and the suite's as `clients`, on a simulated network in
        `runs` runs of at most `until` seconds: a `Simulation`.

        `faults` is a list as faults.py has them, or a function that makes one of a `random.Random`, for each run anew. `starts` gives those
        that start later their time in seconds, `clocks` by how many seconds a node's clock is ahead and by how many millionths it is too fast.
        """
        self.finish()
        settings = {
            "until": until,
            "starts": starts or {},
            "clocks": clocks or {},
            "limits": limits_of(cpu_s, memory_mib, disk_mib, output_bytes),
        }
        self._simulations.append(simulate(self, len(self._simulations), nodes, clients or {}, faults, settings, runs, tuple(allow), shrink))
        return self._simulations[-1]

    def compute(self, driver, module=None, *, cpu_s=5, memory_mib=128, **arguments):
        """As `drive`, on a simulated machine: a `Computed` with the `value` and what it cost in `fuel`."""
        limits = limits_of(cpu_s, memory_mib, 16, 256 << 10)
        try:
            return single.compute(self, driver, module, limits, arguments)
        except RuleBroken:
            if not self._native_too:
                raise
        return single.Computed(self.drive(driver, module, **arguments), None)

    def command(self, argv, stdin=b"", files=None, *, cpu_s=5, memory_mib=128, disk_mib=16, output_bytes=1 << 20):
        """Runs a student's program to its end on a simulated machine: an `Ended`. A file `….wasm` is a compiled one."""
        return single.command(self, argv, stdin, files, limits_of(cpu_s, memory_mib, disk_mib, output_bytes))

    def grows(self, cost, sizes, at_most, message="what it costs"):
        """`cost(size)`, such as a `fuel`, may grow `at_most`-fold where the input does twofold. `sizes` are three, each twice the last."""
        return single.grows(self, cost, sizes, at_most, message)

    # For the rest of the library

    def simulator(self):
        """The process that simulates, with the images that clusters need."""
        if self._simulator is None:
            self._simulator = Simulator(self._link)
            self._simulator.image("submission", {f"work/{name}": content for name, content in self.submitted().items()})
            self._simulator.image("clients", client_image())
        return self._simulator

    def submitted(self):
        """The files that were handed in."""
        if self._submitted is None:
            self._submitted = {name: self.read_file(name) or b"" for name in self.files()}
        return self._submitted

    def random_of_machine(self):
        self._machines += 1
        return int.from_bytes(hmac.digest(self._seed.encode(), b"machine %d" % self._machines, "sha256")[:8], "big")

    def picture_of_run(self, title, cluster, told, moments=()):
        """Evidence of a run, from what the simulator told of it; `moments`, in nanoseconds, are shown above all."""
        words = json.dumps(cluster).encode()
        channel = applets.start("picture")
        channel.send({"title": title, "cluster_bytes": len(words), "moments": list(moments)}, words + told)
        answer = channel.receive()
        channel.socket.close()
        if answer is None or answer[0] != "drawn":
            raise Void("what the simulator tells of a run makes no sense")
        return json.loads(answer[1])

    def say(self, text):
        """Something that the report says even if nothing fails."""
        self._shown.append({"kind": "output", "program": "the grader", "stream": "stderr", "text": text, "truncated": False})
