"""What is done to a simulated cluster, and when: `at(8).partition("ab", "c")`, in seconds of virtual time.

A fault is said with names; what the simulator is told (simulation/src/words.rs) has numbers.
"""

NS_PER_S = 10**9
PPM = 10**6


def at(seconds):
    """Something is done to the cluster then."""
    return At(seconds)


class Fault:
    """`.at` in seconds, `.what` is done, such as "kill", and the `.who` of it: names, as the suite gave them."""

    def __init__(self, seconds, what, who, deed, ends=None, end_of=None):
        self.at = seconds
        self.what = what
        self.who = who
        self.ns = nanoseconds(seconds)
        # What the simulator is told, by a `Cast`.
        self.deed = deed
        # What another one has to name in `end_of` to undo it, and what this one undoes.
        self.ends = ends
        self.end_of = end_of

    def __repr__(self):
        return f"at({self.at:g}).{self.what}({', '.join(map(repr, self.who))})"


class Cast:
    """Who takes part, by number, and who of them is the suite's."""

    def __init__(self, nodes, clients):
        self.numbers = {name: number for number, name in enumerate([*nodes, *clients])}
        self._nodes = list(nodes)
        self._clients = list(clients)

    def number(self, name):
        if name not in self.numbers:
            raise ValueError(f"nobody is called {name!r} in this simulation, only {', '.join(self.numbers)}")
        return self.numbers[name]

    def groups(self, groups):
        """A partition's groups. Nodes that are in none of them are one more; the suite's clients that are in none reach everybody."""
        groups = [self._members(group) for group in groups]
        named = {name for group in groups for name in group}
        if rest := [name for name in self._nodes if name not in named]:
            groups.append(rest)
        everywhere = [name for name in self._clients if name not in named]
        return [[self.number(name) for name in [*group, *everywhere]] for group in groups]

    def _members(self, group):
        return [group] if isinstance(group, str) and group in self.numbers else list(group)


class At:
    def __init__(self, seconds):
        self._seconds = seconds

    def partition(self, *groups):
        """Only nodes of one group hear one another. A group is a list of names, or a text of names of one letter."""
        return self._fault("partition", groups, lambda cast: {"partition": cast.groups(groups)}, ends="heal")

    def deafen(self, speaker, listener):
        """What the one sends does not reach the other; the other way it does."""
        return self._fault("deafen", (speaker, listener), lambda cast: {"deafen": {"from": cast.number(speaker), "to": cast.number(listener)}}, ends="heal")

    def heal(self):
        """Ends partitions and deafness."""
        return self._fault("heal", (), lambda cast: "heal", end_of="heal")

    def kill(self, node):
        """The process ends at once, as by SIGKILL. Its disk stays as it left it."""
        return self._fault("kill", (node,), lambda cast: {"kill": cast.number(node)}, ends=("restart", node))

    def lose_power(self, node):
        """The machine is gone, without a word to anybody. Of its disk that remains which was synced."""
        return self._fault("lose_power", (node,), lambda cast: {"power-loss": cast.number(node)}, ends=("restart", node))

    def restart(self, node):
        """Starts the program once more, on the disk that is there."""
        return self._fault("restart", (node,), lambda cast: {"restart": cast.number(node)}, end_of=("restart", node))

    def pause(self, node):
        """The process stops where it is, as by SIGSTOP; its clocks go on."""
        return self._fault("pause", (node,), lambda cast: {"pause": cast.number(node)}, ends=("resume", node))

    def resume(self, node):
        return self._fault("resume", (node,), lambda cast: {"resume": cast.number(node)}, end_of=("resume", node))

    def skew(self, node, seconds):
        """The node's clocks jump by so much."""
        return self._fault("skew", (node,), lambda cast: {"skew": {"node": cast.number(node), "by": nanoseconds(seconds)}})

    def disk_full(self, node):
        return self._fault("disk_full", (node,), lambda cast: {"disk-full": {"node": cast.number(node), "full": True}}, ends=("disk", node))

    def disk_free(self, node):
        return self._fault("disk_free", (node,), lambda cast: {"disk-full": {"node": cast.number(node), "full": False}}, end_of=("disk", node))

    def syncs_lie(self, node):
        """From then on a sync on the node's disk says that all is well, and does nothing."""
        return self._fault("syncs_lie", (node,), lambda cast: {"sync-lies": {"node": cast.number(node), "lies": True}}, ends=("sync", node))

    def syncs_hold(self, node):
        return self._fault("syncs_hold", (node,), lambda cast: {"sync-lies": {"node": cast.number(node), "lies": False}}, end_of=("sync", node))

    def network(self, **settings):
        """The network is like that from then on: see `network`."""
        words = network(**settings)
        return self._fault("network", (), lambda cast: {"network": words})

    def _fault(self, what, who, deed, ends=None, end_of=None):
        return Fault(self._seconds, what, who, deed, ends, end_of)


def network(latency=(0.001, 0.010), exponential=None, loss=0, duplication=0, reorder=0, retransmission=0, short_reads=0):
    """How packets fare, as the simulator is told.

    `latency` is the least and most that one takes, in seconds; or `exponential` the least, and the mean of what comes on top. The others are
    shares: of datagrams that are lost, come twice, take up to ten times as long; of a stream's segments that have to be sent again; of
    reads that give less than there is.
    """
    low, high = (nanoseconds(value) for value in exponential or latency)
    shares = {"loss": loss, "duplication": duplication, "reorder": reorder, "retransmission": retransmission, "short_read": short_reads}
    return {
        "latency": {"exponential": {"least": low, "mean": high}} if exponential else {"uniform": {"least": low, "most": high}},
        **{f"{name}_ppm": round(share * PPM) for name, share in shares.items()},
    }


def nanoseconds(seconds):
    return round(seconds * NS_PER_S)


def units(faults):
    """Indexes of faults that belong together, such as a partition and the healing that ends it."""
    found, open_ends = [], {}
    for index, fault in enumerate(faults):
        if fault.end_of in open_ends:
            for unit in open_ends.pop(fault.end_of):
                unit.append(index)
        else:
            unit = [index]
            found.append(unit)
            if fault.ends is not None:
                open_ends.setdefault(fault.ends, []).append(unit)
    return found
