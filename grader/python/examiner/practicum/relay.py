"""A network between the nodes of a case that loses, repeats, reorders, stalls, parts and cuts, as the case's seed says.

The relay itself is an applet (grader/src/applets/relay.rs). Nothing in it depends on time: what it does to a message is a
function of the seed and of the message's place, and what it holds back goes on by order, by the suite's word, or
once nothing else happens any more (see `Link.holders`).
"""

import json
from typing import NamedTuple

from . import applets
from .addresses import address_of, text
from .errors import Failure

# How many later datagrams overtake a reordered one at most, unless told otherwise.
WINDOW = 3
FATES = ("passed", "lost", "duplicated", "truncated", "reordered", "delayed", "replayed")


class Passage(NamedTuple):
    """One datagram, or one direction of a connection. Ordered by place, so that runs can be compared."""

    source: str
    target: str
    # Who opened the connection; of a datagram its source.
    opener: str
    # The how-manyth connection of opener and target, or pair of sockets in that direction.
    flow: int
    # The how-manyth datagram of its flow; 0 for a connection.
    ordinal: int
    # Bytes that came.
    size: int
    # One of FATES or "partitioned"; of a connection "open", "ended", "reset", "broken" (by a reset of the other direction), "cut" or "refused".
    fate: str
    # Bytes that went on, those of copies too.
    passed: int


class Relay:
    """`nodes`: names and addresses; None for a node that only calls. Names of one letter make short partitions."""

    def __init__(self, link, seed, nodes, udp=False):
        self._link = link
        self._channel = applets.start("relay")
        self._nodes = {name: address and text(address) for name, address in nodes.items()}
        self._udp = udp
        # Links that a partition cuts through, as pairs of names.
        self._parted = set()
        self._order("open", seed=seed.hex(), udp=udp, nodes=list(self._nodes.items()))
        link.holders.append(self._let_go)

    def address(self, source, target):
        """Where `source` reaches `target`."""
        answer, _ = self._order("address", source=source, target=target)
        self._link.wire.label(answer["address"], f"relay to {target}")
        return address_of(answer["address"])

    def link(self, source, target):
        """The way from one node to another; the way back is a link of its own."""
        return Way(self, [(source, target)])

    def faults(self, **faults):
        """The same for every link: see `Way.faults`."""
        Way(self, self._all()).faults(**faults)

    def stall(self):
        Way(self, self._all()).stall()

    def release(self):
        Way(self, self._all()).release()

    def partition(self, *groups):
        """Nothing passes between the groups, each a text of one-letter names or a list; who is in none is in the last one."""
        groups = [self._group(group) for group in groups]
        groups.append([name for name in self._nodes if not any(name in group for group in groups)])
        part = {name: number for number, group in enumerate(groups) for name in group}
        self._part({way for way in self._all() if part[way[0]] != part[way[1]]})

    def heal(self):
        """Ends the partition: streams go on with what was held, datagrams that came meanwhile are lost."""
        self._part(set())

    def cut(self, source, target, after=None, connection=0, opener=None, end=False):
        """Ends a connection for both nodes by a RST, or with `end` by a FIN.

        That happens once `after` bytes have passed on it from source to target. It is the how-manyth, from 0, of those
        that one of the two has opened to the other: `opener`, where both do. Without `after` it happens at once to all
        that are open.
        """
        self._order("cut", source=source, target=target, after=after, connection=connection, opener=opener, end=end)

    def flush(self):
        """Lets go all datagrams that are reordered, delayed or replayed, and were held for it."""
        self._order("flush")

    def drained(self, node):
        """Waits until that node has taken everything that the others have sent to it so far, and that was not held back."""
        pending = True
        while pending:
            answer, _ = self._order("under-way", node=node)
            pending = answer["pending"]
            if self._udp:
                self._taken(node, "drained-udp", address=self._nodes[node])
            for ours, theirs in answer.get("connections", []):
                self._taken(node, "drained", local=ours, remote=theirs)

    def ledger(self):
        """Everything that came, with what was done to it: a list of `Passage`."""
        answer, tail = self._order("ledger")
        if "overflow" in answer:
            raise Failure(f"the programs {answer['overflow']}")
        return [Passage(**entry) for entry in json.loads(tail)]

    def _taken(self, node, what, **where):
        answer, _, _ = self._link.ask(what, **where)
        if answer.get("waits") is not None:
            raise self._link.stuck(answer, f"{node} has not read what was sent to it")

    def _part(self, ways):
        self._parted = ways
        self._order("part", ways=sorted(ways))

    def _all(self):
        return [(source, target) for source in self._nodes for target in self._nodes if source != target]

    def _group(self, group):
        names = [group] if isinstance(group, str) and group in self._nodes else list(group)
        for name in names:
            if name not in self._nodes:
                raise ValueError(f"no node is called {name!r}")
        return names

    def _let_go(self):
        answer, _ = self._order("let-go")
        return answer["any"]

    def _order(self, what, **arguments):
        # No OSError: that would be the student's.
        try:
            self._channel.send({"do": what, **arguments})
            answer, tail, _ = self._channel.receive() or ({"error": "the relay has ended"}, b"", [])
        except OSError as error:
            raise RuntimeError(f"the relay has ended: {error}") from error
        if "error" in answer:
            raise ValueError(f"relay: {answer['error']}")
        return answer, tail


class Way:
    """From one node to another."""

    def __init__(self, relay, ways):
        self._relay = relay
        self._ways = ways

    def faults(self, loss=0, duplicate=0, truncate=0, reorder=0, delay=0, replay=0, window=WINDOW, plan=None, split=0):
        """What happens from now on, instead of what was told before.

        Of datagrams the first six are shares from 0 to 1 of all, and each datagram meets one fault at most: it is lost,
        sent on twice, or without its end; overtaken by 1 to `window` later ones; held until nothing else happens; or sent
        on and once more then. `plan` sets fates by ordinals of each flow: {2: "lost"}. Of streams, pieces of 1 to `split`
        bytes are segments of their own.
        """
        shares = {"loss": loss, "duplicate": duplicate, "truncate": truncate, "reorder": reorder, "delay": delay, "replay": replay}
        if min(shares.values()) < 0 or sum(shares.values()) > 1 + 1e-9:
            raise ValueError(f"shares of all datagrams are none below 0 and not more than 1 together: {shares}")
        plan = dict(plan or {})
        if not set(plan.values()) <= set(FATES):
            raise ValueError(f"a plan knows {', '.join(FATES)}, but not {', '.join(sorted(set(plan.values()) - set(FATES)))}")
        faults = {**shares, "window": window, "plan": list(plan.items()), "split": split}
        self._relay._order("faults", ways=self._ways, faults=faults)

    def stall(self):
        """Keeps everything waiting: nothing is lost."""
        self._relay._order("stall", ways=self._ways, on=True)

    def release(self):
        """Lets what was stalled go on."""
        self._relay._order("stall", ways=self._ways, on=False)

    def part(self):
        """A partition in this direction alone, until `heal()`."""
        self._relay._part(self._relay._parted | set(self._ways))

    def ledger(self):
        return [passage for passage in self._relay.ledger() if (passage.source, passage.target) in self._ways]
