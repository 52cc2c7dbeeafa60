"""The examiner's end of UDP: one bound socket that speaks with anybody."""

import select
import socket

from .addresses import text
from .errors import Failure
from .evidence import count, short
from .wire import Ends

# The largest payload that fits into a datagram.
DATAGRAM_BYTES_MAX = 65507


class Datagrams:
    def __init__(self, link, host="127.0.0.1", port=0):
        self._link = link
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, port))
        self.address = self._socket.getsockname()[:2]
        link.wire.label(self.address, link.wire.number("client"))
        # Bytes that came from each sender, and with whom it spoke last.
        self._heard = {}
        self._last = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()

    def fileno(self):
        return self._socket.fileno()

    def send(self, data, to):
        """One datagram, in the receiver's queue when this returns, unless that is full."""
        self._last = tuple(to)
        self._socket.sendto(data, self._last)

    def receive(self):
        """The next datagram and who sent it."""
        while True:
            try:
                data, sender = self._socket.recvfrom(DATAGRAM_BYTES_MAX)
                return data, self._note(data, sender[:2])
            except ConnectionRefusedError:
                # News of an earlier datagram: nobody had that port.
                continue
            except BlockingIOError:
                self._wait()

    def _note(self, data, sender):
        """Remembers a datagram for the picture of the network; returns who sent it."""
        before = self._heard.get(sender, 0)
        self._link.wire.heard(self._ends(sender), data, before)
        self._heard[sender], self._last = before + len(data), sender
        return sender

    def _wait(self):
        try:
            self._link.wait(self._socket, select.POLLIN, "the program has sent no datagram")
        except Failure as failure:
            if self._last:
                failure.mark = self._ends(self._last).mark(self._heard.get(self._last, 0))
            raise

    def _ends(self, other):
        return Ends(text(self.address), text(other))

    def waiting(self):
        """Whether a datagram has arrived that was not received yet."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def drained(self, to):
        """Waits until whoever is bound to `to` has taken all datagrams out of its kernel queue."""
        answer, _, _ = self._link.ask("drained-udp", address=text(to))
        if answer.get("waits") is not None:
            raise self._link.stuck(answer, f"the program at {text(to)} has not read what was sent to it")

    def quiet(self):
        """Nothing more will ever arrive as things stand."""
        self._link.ask("still")
        try:
            data, sender = self._socket.recvfrom(DATAGRAM_BYTES_MAX)
        except (BlockingIOError, ConnectionRefusedError):
            return
        raise Failure(f"{text(sender)} sent a datagram of {count(len(data))} that nobody asked for: {short(data)}")

    def close(self):
        self._socket.close()
