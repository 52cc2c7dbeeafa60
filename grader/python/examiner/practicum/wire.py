"""What the examiner knows of the network traffic that a report shows: names, the place of a failure, sockets without packets.

The grader sees the packets themselves. This module only remembers; when a case fails, `told` puts what it remembers into
the last word. Ends of connections are texts: "127.0.0.1:7000", "[::1]:7000", or a name for a socket that has no address.
"""

import time
from base64 import b64encode
from collections import deque

from .addresses import text
from .errors import Failure

# Reads that are remembered, and the longest: more would keep much alive for little.
READS = 16
READ_BYTES_MAX = 1 << 20
# Names that are told, first and last: a case may have thousands of clients.
LABELS = 1000
# Entries of the ledger that are kept, first and last, and bytes of each.
LEDGER_ENTRIES = 100
LEDGER_BYTES = 512


class Wire:
    def __init__(self):
        self._labels = {}
        self._hidden = set()
        self._numbers = {}
        self._connecting = None
        self._reads = deque(maxlen=READS)
        self._first = []
        self._last = deque()
        self._missing = 0

    # Names

    def label(self, address, name):
        """Calls the socket at `address`, a tuple or a text, by that name."""
        self._labels[text(address)] = name

    def number(self, noun):
        """The next "client 1", "client 2", … of that noun."""
        self._numbers[noun] = self._numbers.get(noun, 0) + 1
        return f"{noun} {self._numbers[noun]}"

    def hide(self, address):
        """Leaves out what passes to and from `address`, such as a fixture's control connection."""
        self._hidden.add(text(address))

    # Peers

    def met(self, peer):
        """A new peer: from now on its attribute `trace` says how far it has come."""
        peer.trace = Trace(peer)
        if not peer.trace.addressed:
            peer.trace.local = self.number("socket")

    def connecting(self, sock, address):
        """A client begins to connect."""
        local, self._connecting = sock.getsockname(), None
        if _has_address(local):
            self.label(local, self.number("client"))
            self._connecting = {"local": text(local), "remote": text(address), "offset": 0}

    def refused(self, failure):
        """The failure of the client that was connecting; with a mark on its attempt."""
        failure.mark = self._connecting
        return failure

    def client(self, peer):
        """A peer that has connected to a program."""
        if not peer.trace.addressed:
            peer.trace.local = self.number("client")
        self._note(peer.trace, True, {"deed": "connect", "answer": "accepted"})
        return peer

    def accepted(self, peer):
        """A peer that a program has connected to; its listener has a name already."""
        if not peer.trace.addressed:
            peer.trace.local = self.number("our end")
        self._labels.setdefault(peer.trace.remote, "the program")
        self._note(peer.trace, False, {"deed": "connect", "answer": "accepted"})
        return peer

    def paired(self, peer):
        """Our end of a pair whose other end is the program's."""
        if not peer.trace.addressed:
            peer.trace.local = self.number("other end")
        else:
            self.label(peer.trace.local, self.number("other end"))
        self.label(peer.trace.remote, "your socket")
        return peer

    # What peers say and hear

    def sent(self, peer, data):
        trace = peer.trace
        if data:
            self._note(trace, True, trace.data(data, trace.sent))
        trace.sent += len(data)

    def arrived(self, peer, data):
        trace = peer.trace
        self._note(trace, False, trace.data(data, trace.received) if data else {"deed": "fin"})
        trace.received += len(data)

    def ended(self, peer, last):
        self.sent(peer, last)
        self._note(peer.trace, True, {"deed": "fin"})

    def took(self, peer, data):
        """`data` goes to the suite; returns it."""
        if len(data) <= READ_BYTES_MAX:
            self._reads.append((data, peer.trace, peer.trace.taken))
        peer.trace.taken += len(data)
        return data

    def heard(self, ends, data, offset):
        """A datagram that goes to the suite: `ends` of it, and how many bytes came before it from the same sender."""
        self._reads.append((data, ends, offset))

    def _note(self, trace, ours, what):
        """An entry of the ledger, for what has no packets."""
        if trace.addressed:
            return
        ends = (trace.local, trace.remote) if ours else (trace.remote, trace.local)
        entry = {"at": time.time_ns(), "from": ends[0], "to": ends[1], "connection": trace.connection, **what}
        if len(self._first) < LEDGER_ENTRIES:
            self._first.append(entry)
            return
        self._last.append(entry)
        if len(self._last) > LEDGER_ENTRIES:
            self._last.popleft()
            self._missing += 1

    # Where it went wrong

    def wait(self, link, peer, events, doing):
        """Waits for the peer; a wait that fails marks the end of what it has sent."""
        try:
            link.wait(peer, events, doing)
        except Failure as failure:
            raise self.at_end(failure, peer)

    def at_end(self, failure, peer):
        """The failure, with a mark behind all that this peer has sent."""
        failure.mark = failure.mark or peer.trace.mark(peer.trace.received)
        return failure

    def compared(self, failure, data, index):
        """The failure of a comparison; with a mark where `data` is what some peer's method returned."""
        for read, trace, offset in reversed(self._reads):
            if read is data:
                failure.mark = trace.mark(offset + index)
                break
        return failure

    # The last word

    def told(self, outcome, mistake):
        """The outcome; that of a failure with what is known of the wire."""
        if outcome["outcome"] != "failed":
            return outcome
        ledger = [dict(entry) for entry in [*self._first, *self._last]]
        if self._missing:
            ledger[len(self._first)]["missing"] = self._missing
        names = list(self._labels.items())
        if len(names) > 2 * LABELS:
            names = names[:LABELS] + names[-LABELS:]
        notes = {"labels": dict(names), "hidden": sorted(self._hidden), "mark": getattr(mistake, "mark", None), "ledger": ledger}
        return {**outcome, "wire": notes}


class Ends:
    """Who speaks with whom, as texts."""

    def __init__(self, local, remote):
        self.local, self.remote = local, remote

    def mark(self, offset):
        """A place in what `local` has received from `remote`."""
        return {"local": self.local, "remote": self.remote, "offset": offset}


class Trace(Ends):
    """One peer's connection: who its ends are, and how much has passed each way."""

    count = 0

    def __init__(self, peer):
        self.addressed = _has_address(peer.local) and _has_address(peer.remote)
        if self.addressed:
            super().__init__(text(peer.local), text(peer.remote))
        else:
            super().__init__("", _path(peer.remote))
        self.connection = Trace.count
        Trace.count += 1
        self.sent = self.received = self.taken = 0

    def data(self, data, offset):
        if self.addressed:
            return None
        return {"deed": "data", "offset": offset, "length": len(data), "bytes": b64encode(data[:LEDGER_BYTES]).decode()}


def _has_address(address):
    """Whether it is one of the internet's: host and port."""
    return isinstance(address, tuple) and len(address) >= 2 and isinstance(address[1], int)


def _path(address):
    """The other end of a socket that has no address: its path as far as it has one."""
    path = address[0] if isinstance(address, tuple) and address else address
    return f"unix:{path}" if isinstance(path, str) and path else "the program"
