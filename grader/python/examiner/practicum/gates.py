"""Gates (K7): code of the author's, beside the student's, goes in and does not come out before the case lets it.

What a case can tell from it is who is inside at a time. A visit is a connection to a port of the examiner's, so it is the
kernel that vouches for it, and the end of the visitor's process ends the visit.
"""

import select
import socket
import threading

from .errors import Failure

LABEL_BYTES_MAX = 256
# Who storms a gate is no visitor.
VISITS_MAX = 256

CODE = '''\
import socket


def enter(label=""):
    """Returns when the gate lets go of us."""
    # Looks up no name: it takes locks, and a process that is forked meanwhile would have them for ever.
    with socket.socket() as gate:
        gate.connect(({host!r}, {port}))
        gate.sendall(label.encode()[:255] + b"\\n")
        gate.recv(1)
'''


class Visit:
    def __init__(self, sock):
        self.socket = sock
        self.said = b""
        # None as long as it is not known.
        self.label = None


class Gate:
    def __init__(self, link):
        self._link = link
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        # One descriptor to wait for whatever may happen here.
        self._events = select.epoll()
        self._events.register(self._listener, select.EPOLLIN)
        self._visits = {}
        self._open = False
        # Labels of all that have ever come in, in order.
        self.entered = []
        self.address = self._listener.getsockname()
        link.wire.hide(self.address)

    @property
    def code(self):
        """Source of a module with `enter(label="")`."""
        host, port = self.address
        return CODE.format(host=host, port=port)

    def inside(self, number=1):
        """Waits until at least `number` are inside; their labels in order of entry."""
        while len(labels := self.now()) < number:
            here = f"only {len(labels)} of them" if labels else "nobody"
            self._link.wait(self._events, select.POLLIN, f"{_were(number)} to be at work at the same time, but there is {here}")
        return labels

    def now(self):
        """Labels of those who are inside at this moment."""
        self._take_in()
        return [visit.label for visit in self._visits.values() if visit.label is not None]

    def enter(self, label=""):
        """Goes in from a thread of a fixture, as code beside the student's does with `code`."""
        with socket.create_connection(self.address) as gate:
            gate.sendall(label.encode("utf-8", "replace")[: LABEL_BYTES_MAX - 1].replace(b"\n", b" ") + b"\n")
            gate.recv(1)

    def let_go(self, label=None):
        """Lets the first go who is inside, or the first of that label."""
        self._take_in()
        for number, visit in list(self._visits.items()):
            if visit.label is not None and label in (None, visit.label):
                self._release(number)
                return visit.label
        raise Failure("nobody is at the gate" if label is None else f"nobody called {label!r} is at the gate")

    def open(self):
        """Lets everybody go, now and from now on, whatever the case does meanwhile."""
        self._take_in()
        self._open = True
        for number in list(self._visits):
            self._release(number)
        threading.Thread(target=self._stand_open, daemon=True).start()

    def _stand_open(self):
        while True:
            self._handle(self._events.poll())

    def _take_in(self):
        while not self._open and (ready := self._events.poll(0)):
            self._handle(ready)

    def _handle(self, ready):
        for number, _ in ready:
            if number == self._listener.fileno():
                self._accept()
            else:
                self._hear(number)

    def _accept(self):
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        if len(self._visits) == VISITS_MAX:
            raise Failure(f"more than {VISITS_MAX} are at a gate")
        sock.setblocking(False)
        self._visits[sock.fileno()] = Visit(sock)
        self._events.register(sock, select.EPOLLIN)

    def _hear(self, number):
        visit = self._visits[number]
        try:
            said = visit.socket.recv(LABEL_BYTES_MAX)
        except BlockingIOError:
            return
        except ConnectionError:
            said = b""
        visit.said += said
        if not said or len(visit.said) > LABEL_BYTES_MAX:
            self._release(number)
        elif visit.label is None and b"\n" in visit.said:
            visit.label = visit.said.partition(b"\n")[0].decode("utf-8", "replace")
            self.entered.append(visit.label)
            if self._open:
                self._release(number)

    def _release(self, number):
        visit = self._visits.pop(number)
        self._events.unregister(visit.socket)
        try:
            visit.socket.send(b"\n")
        except OSError:
            pass
        visit.socket.close()


def _were(number):
    return "1 was" if number == 1 else f"{number} were"
