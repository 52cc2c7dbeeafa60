"""The examiner's ends of stream sockets: hostile clients, and what a program connects to.

Every socket is non-blocking underneath and every wait goes through `Link.wait`, so that a stuck server ends the case at
once. Every read has a cap.
"""

import os
import select
import socket
import struct
from errno import ECONNREFUSED, EINPROGRESS

from .addresses import text
from .errors import Failure
from .evidence import awaited, count, short

READ_BYTES_MAX = 64 << 20
LINE_BYTES_MAX = 1 << 20
# Pieces of a flood.
FLOOD_BYTES = 64 << 10


class Peer:
    """One connected stream socket."""

    def __init__(self, link, sock, what, remote):
        self._link = link
        self._socket = sock
        self._what = what
        sock.setblocking(False)
        self._tcp = sock.family != socket.AF_UNIX
        if self._tcp:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.local, self.remote = sock.getsockname()[:2], remote[:2]
        else:
            self.local, self.remote = None, remote
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

    # Sending

    def send(self, data):
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._send_some(rest) :]
            except BlockingIOError:
                self._link.wait(self._socket, select.POLLOUT, f"{self._what} has not read all that was sent to it")
            except ConnectionError:
                raise self._gone("its peer was still sending") from None

    def together(self, *pieces):
        """All pieces in one segment: what was several messages arrives as one."""
        self.send(b"".join(pieces))

    def drip(self, data):
        """One byte a segment; the next only when the receiver's kernel queue is empty."""
        self.pieces(data[index : index + 1] for index in range(len(data)))

    def pieces(self, pieces):
        """One piece a segment; the next only when the receiver's kernel queue is empty."""
        for piece in pieces:
            self.send(piece)
            self.drained()

    def flood(self, size, unit=bytes(FLOOD_BYTES)):
        """Sends `unit` again and again, `size` bytes at most, and reads nothing. Returns how many bytes were taken by the
        time that the program took no more and nothing was going to change that."""
        unit = unit * -(-FLOOD_BYTES // len(unit))  # small segments would be a load by themselves
        sent = 0
        while sent < size:
            start = sent % len(unit)
            try:
                sent += self._send_some(memoryview(unit)[start : start + size - sent])
            except BlockingIOError:
                if self._link.ready_or_still(self._socket, select.POLLOUT) is not None:
                    break
            except ConnectionError:
                raise self._gone("its peer was still sending") from None
        return sent

    def drained(self):
        """Waits until the receiver has taken everything out of its kernel queue."""
        if self._tcp:
            answer, _, _ = self._link.ask("drained", local=text(self.local), remote=text(self.remote))
        else:
            answer, _, _ = self._link.ask("drained-unix", inode=os.fstat(self.fileno()).st_ino)
        if answer.get("waits") is not None:
            raise self._link.stuck(answer, f"{self._what} has not read what was sent to it")

    def end(self, last=b""):
        """FIN: nothing more will be sent, reading goes on. `last` bytes travel in the same segment as the FIN."""
        try:
            if last and self._socket.send(last, socket.MSG_MORE) < len(last):
                raise ValueError(f"{len(last)} bytes do not fit into one segment: send most of them before")
            self._socket.shutdown(socket.SHUT_WR)
            self._link.wire.ended(self, last)
        except OSError:
            raise self._gone("its peer was still sending") from None

    def reset(self):
        """RST: the connection is gone at once."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self):
        self._socket.close()

    # Reading

    def read_some(self, size=65536):
        """What has arrived, at least one byte; b"" at the end."""
        if not self._unread:
            self._fill(size, "anything")
        return self._take(min(size, len(self._unread)))

    def read_exactly(self, size):
        while len(self._unread) < size:
            missing = awaited(size, len(self._unread))
            if not self._fill(size, missing):
                seen = f": {short(bytes(self._unread))}" if self._unread else ""
                raise self._broken(f"{self._what} has not sent {missing}, but closed the connection{seen}")
        return self._take(size)

    def read_line(self):
        """Up to and with the next newline; what there is when the peer ends first."""
        return self.read_until(b"\n", "a whole line")

    def read_until(self, mark, words=None):
        """Up to and with the next `mark`; what there is when the peer ends first."""
        while mark not in self._unread and len(self._unread) < LINE_BYTES_MAX:
            if not self._fill(LINE_BYTES_MAX, words or f"{short(mark)}"):
                break
        end = self._unread.find(mark)
        return self._take(len(self._unread) if end < 0 else end + len(mark))

    def read_to_end(self, limit=READ_BYTES_MAX):
        """Everything until the peer's FIN."""
        while self._fill(1 << 20, self._missing_end()):
            if len(self._unread) > limit:
                raise Failure(f"{self._what} sent more than {limit} bytes")
        return self._take(len(self._unread))

    def at_end(self):
        """Waits for the peer's FIN, before which nothing more may come."""
        if self._unread or self._fill(1, "the end of the connection"):
            raise self._broken(f"{self._what} sent {count(len(self._unread))} that nobody asked for: {short(bytes(self._unread))}")

    def was_reset(self):
        """Waits until the peer has given the connection up, in either way; whether it was by a RST."""
        try:
            while self._socket.recv(65536):
                pass
        except BlockingIOError:
            self._link.wait(self._socket, select.POLLIN, f"{self._what} has not closed or reset the connection")
            return self.was_reset()
        except ConnectionError:
            return True
        return False

    def quiet(self):
        """Nothing more will ever arrive as things stand."""
        self._link.ask("still")
        if self._ended:
            return
        if self._unread:
            raise self._broken(f"{self._what} sent {count(len(self._unread))} that nobody asked for: {short(bytes(self._unread))}")
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

    def _missing_end(self):
        return "the end of the connection" + (f", only {count(len(self._unread))}" if self._unread else "")

    def _send_some(self, data):
        sent = self._socket.send(data)
        self._link.wire.sent(self, data[:sent])
        return sent

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
                if self._tcp:
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

    def __init__(self, link, host="127.0.0.1", port=0, backlog=128, receive_buffer=None, send_buffer=None, segment=None):
        self._link = link
        self._socket = socket.socket(_family(host), socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _keep_small(self._socket, receive_buffer, send_buffer, segment)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            # The submission holds the port, or the suite names an address that is not there.
            raise Failure(f"listening on {host}:{port} failed: {_reason(error.errno)}") from None
        self._socket.listen(backlog)
        self._socket.setblocking(False)
        self._fillers = []
        self._backlog = backlog
        self.address = self._socket.getsockname()[:2]
        link.wire.label(self.address, link.wire.number("listener"))

    def fileno(self):
        return self._socket.fileno()

    def accept(self):
        while True:
            try:
                sock, remote = self._socket.accept()
                return self._link.wire.accepted(Peer(self._link, sock, "the program", remote))
            except BlockingIOError:
                self._link.wait(self._socket, select.POLLIN, "the program has not connected")

    def touched(self):
        """Whether somebody has connected who was not accepted yet."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def fill(self):
        """Fills the queue of connections not yet accepted: from now on nobody who connects is answered."""
        for _ in range(self._backlog + 1):
            self._fillers.append(socket.create_connection(self.address))

    def close(self):
        self._socket.close()


def connect(link, address, source=None, receive_buffer=None, send_buffer=None, segment=None):
    """A connected TCP client."""
    sock = socket.socket(_family(address[0]), socket.SOCK_STREAM)
    # Buffers count from the handshake on, so they are set before it.
    _keep_small(sock, receive_buffer, send_buffer, segment)
    if source is not None:
        sock.bind((source, 0) if isinstance(source, str) else tuple(source))
    sock.setblocking(False)
    where = text(address)
    error = sock.connect_ex(address)
    link.wire.connecting(sock, address)
    if error not in (0, EINPROGRESS):
        raise link.wire.refused(Failure(f"connecting to {where} failed: {_reason(error)}"))
    if error:
        link.wait(sock, select.POLLOUT, f"the server at {where} has not taken the connection")
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise link.wire.refused(Failure(f"connecting to {where} failed: {_reason(error)}"))
    return link.wire.client(Peer(link, sock, f"the server at {where}", _remote(sock, address)))


def connect_unix(link, name):
    """A client of the unix socket of that name in the submission's work folder, which only the grader can reach: it
    connects a socket of ours."""
    where = f"the server at {name}"
    sock = socket.socket(socket.AF_UNIX)
    still = None
    while (refused := _connect_unix(link, sock, name)) == "full":
        if still is not None:
            raise link.stuck(still, f"{where} has not taken the connection")
        # Once nothing happens any more, nobody is going to be taken out of its queue.
        still, _, _ = link.ask("still")
    if refused:
        raise Failure(f"connecting to the unix socket {name} failed: {refused}")
    return link.wire.client(Peer(link, sock, where, name))


def _connect_unix(link, sock, name):
    answer, _, _ = link.ask("files", descriptors=[sock.fileno()], node=0, name=name, do="connect")
    return answer.get("refused")


def pair(link, send_buffer=None, receive_buffer=None):
    """A connected TCP pair: the examiner's end and a plain socket for the student."""
    with socket.socket() as listener:
        _keep_small(listener, receive_buffer, send_buffer)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    return link.wire.paired(Peer(link, ours, "the program", theirs.getsockname())), theirs


def _family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _keep_small(sock, receive_buffer, send_buffer, segment=None):
    """Little is under way at a time; small segments also keep the other side's buffer small."""
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if send_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    if segment is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)


def _remote(sock, address):
    """The numeric address that `sock` talks to, also when a reset has taken the connection away already."""
    try:
        return sock.getpeername()
    except OSError:
        return socket.getaddrinfo(*address, sock.family, sock.type)[0][4]


def _reason(error):
    reason = os.strerror(error).lower()
    return f"{reason}, nothing listens there" if error == ECONNREFUSED else reason
