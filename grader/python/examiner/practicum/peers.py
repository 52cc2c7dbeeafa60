"""The examiner's ends of sockets: hostile clients and listeners on the case's own loopback.

Every socket is non-blocking underneath and every wait goes through `Link.wait`, so that a stuck server ends the case at
once. Every read has a cap.
"""

import select
import socket
import struct
from errno import ECONNREFUSED

from .errors import Failure
from .evidence import awaited, count, short

READ_BYTES_MAX = 64 << 20
LINE_BYTES_MAX = 1 << 20


class Peer:
    """One connected TCP socket."""

    def __init__(self, link, sock, what, remote):
        self._link = link
        self._socket = sock
        self._what = what
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local, self.remote = sock.getsockname()[:2], remote[:2]
        self._unread = bytearray()
        self._ended = False
        link.wire.met(self)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # Closing after a failure could make the program fail in another way, which would then be told instead.
        if kind is None:
            self.close()

    def fileno(self):
        return self._socket.fileno()

    def send(self, data):
        rest = memoryview(data)
        while rest:
            try:
                count = self._socket.send(rest)
                self._link.wire.sent(self, rest[:count])
                rest = rest[count:]
            except BlockingIOError:
                self._link.wait(self._socket, select.POLLOUT, f"{self._what} has not read all that was sent to it")
            except ConnectionError:
                raise self._gone("its client was still sending") from None

    def drip(self, data):
        """One byte a segment; the next only when the receiver's kernel queue is empty."""
        self.pieces(data[index : index + 1] for index in range(len(data)))

    def pieces(self, pieces):
        """One piece a segment; the next only when the receiver's kernel queue is empty."""
        for piece in pieces:
            self.send(piece)
            self.drained()

    def drained(self):
        """Waits until the receiver has taken everything out of its kernel queue."""
        answer, _, _ = self._link.ask("drained", local=_text(self.local), remote=_text(self.remote))
        if answer.get("waits") is not None:
            raise self._link.stuck(answer, f"{self._what} has not read what was sent to it")

    def read_some(self, size=65536):
        """What has arrived, at least one byte; b"" at the end."""
        if not self._unread:
            self._fill(size, "anything")
        return self._take(size)

    def read_exactly(self, size):
        while len(self._unread) < size:
            missing = awaited(size, len(self._unread))
            if not self._fill(size, missing):
                seen = f": {short(bytes(self._unread))}" if self._unread else ""
                raise self._broken(f"{self._what} has not sent {missing}, but closed the connection{seen}")
        return self._take(size)

    def read_line(self):
        """Up to and with the next newline; what there is when the peer ends first."""
        while b"\n" not in self._unread and len(self._unread) < LINE_BYTES_MAX:
            if not self._fill(LINE_BYTES_MAX, "a whole line"):
                break
        end = self._unread.find(b"\n") + 1 or len(self._unread)
        return self._take(end)

    def read_to_end(self, limit=READ_BYTES_MAX):
        """Everything until the peer's FIN."""
        while self._fill(1 << 20, f"the end of the connection, only {count(len(self._unread))}"):
            if len(self._unread) > limit:
                raise Failure(f"{self._what} sent more than {limit} bytes")
        return self._take(len(self._unread))

    def end(self, last=b""):
        """FIN: nothing more will be sent, reading goes on. `last` bytes travel in the same segment as the FIN."""
        try:
            if last and self._socket.send(last, socket.MSG_MORE) < len(last):
                raise ValueError(f"{len(last)} bytes do not fit into one segment: send most of them before")
            self._socket.shutdown(socket.SHUT_WR)
            self._link.wire.ended(self, last)
        except OSError:
            raise self._gone("its client was still sending") from None

    def reset(self):
        """RST: the connection is gone at once."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self):
        self._socket.close()

    def quiet(self):
        """Nothing more will ever arrive as things stand."""
        answer, _, _ = self._link.ask("still")
        if self._ended:
            return
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            data = None
        except ConnectionError:
            raise self._gone("it was to stay open") from None
        if data:
            raise self._broken(f"{self._what} sent {count(len(data))} that nobody asked for: {short(data)}")
        if data == b"":
            raise self._broken(f"{self._what} closed the connection although it was to stay open")

    def _gone(self, doing):
        return self._broken(f"{self._what} closed or reset the connection while {doing}")

    def _broken(self, message):
        """A failure that is about what comes, or should come, next from this peer."""
        return self._link.wire.at_end(Failure(message), self)

    def _take(self, size):
        data, self._unread = bytes(self._unread[:size]), self._unread[size:]
        return self._link.wire.took(self, data)

    def _fill(self, size, missing):
        """Reads once, waiting for something; False at the end. `missing` completes "it has not sent …"."""
        while not self._ended:
            try:
                data = self._socket.recv(max(size, 65536))
                # A delayed acknowledgement would hold back a server that sends in small pieces (Nagle) by 40 ms each.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            except BlockingIOError:
                self._link.wire.wait(self._link, self, select.POLLIN, f"{self._what} has not sent {missing}")
                continue
            except ConnectionError:
                raise self._broken(f"{self._what} has not sent {missing}, but reset the connection") from None
            self._link.wire.arrived(self, data)
            self._ended = not data
            self._unread += data
            return bool(data)
        return False


class Listener:
    """A port of the examiner's, for students that connect, and as a canary that only an attack would touch."""

    def __init__(self, link):
        self._link = link
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address = self._socket.getsockname()
        link.wire.label(self.address, link.wire.number("listener"))

    def accept(self):
        while True:
            try:
                sock, remote = self._socket.accept()
                return self._link.wire.accepted(Peer(self._link, sock, "the program", remote))
            except BlockingIOError:
                self._link.wait(self._socket, select.POLLIN, "the program has not connected")

    def touched(self):
        """Whether anybody has connected."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))


def connect(link, address, receive_buffer=None, send_buffer=None, segment=None):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    # Buffers count from the handshake on, so they are set before it.
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if send_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    if segment is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
    sock.setblocking(False)
    where = f"{address[0]}:{address[1]}"
    error = sock.connect_ex(address)
    link.wire.connecting(sock, address)
    if error not in (0, 115):
        raise link.wire.refused(Failure(f"connecting to {where} failed: {_reason(error)}"))
    if error:
        link.wait(sock, select.POLLOUT, f"the server at {where} has not taken the connection")
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise link.wire.refused(Failure(f"connecting to {where} failed: {_reason(error)}"))
    return link.wire.client(Peer(link, sock, f"the server at {where}", _remote(sock, address)))


def pair(link, send_buffer=None, receive_buffer=None):
    """A connected TCP pair: the examiner's end and a plain socket for the student."""
    with socket.socket() as listener:
        if receive_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    return link.wire.paired(Peer(link, ours, "the program", theirs.getsockname())), theirs


def _remote(sock, address):
    """The numeric address that `sock` talks to, also when a reset has taken the connection away already."""
    try:
        return sock.getpeername()
    except OSError:
        return socket.getaddrinfo(*address, sock.family, sock.type)[0][4]


def _reason(error):
    import os

    reason = os.strerror(error).lower()
    return f"{reason}, nothing listens there" if error == ECONNREFUSED else reason


def _text(address):
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
