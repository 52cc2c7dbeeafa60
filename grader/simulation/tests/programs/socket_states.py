"""Does to sockets, in each state that they can be in, whatever can be done to a socket, and tells what came of it."""

import errno
import itertools
import select
import socket
import sys
import time

HOST = "127.0.0.1"
# Seconds in which what was done comes to its effect on the other side.
SETTLED = 0.002


def listening():
    return socket.create_server((HOST, 0), backlog=4)


def told(act, *words):
    try:
        return str(act(*words))
    except BlockingIOError:
        return "would block"
    except BrokenPipeError:
        # One of its two names, where they are one.
        return "EPIPE"
    except OSError as error:
        return errno.errorcode.get(error.errno, repr(error))


class Stream:
    """One socket, and whoever it may have to do with."""

    STATES = (
        "fresh bound listens connected accepted has_data peer_ended peer_closed was_reset reset_with_data ended ended_both_ways refused "
        "being_refused"
    )
    DEEDS = (
        "reads peeks writes sends_to ends stops_reading ends_all binds listens_ listens_to_none accepts connects connects_in_vain "
        "tells_error tells_peer tells_itself has_odd_buffer polls selects"
    )

    def __init__(self):
        self.other = listening()
        self.it = socket.socket()
        self.it.setblocking(False)
        self.peer = None

    def close(self):
        for each in (self.it, self.other, self.peer):
            if each is not None:
                each.close()

    # States

    def fresh(self):
        pass

    def bound(self):
        self.it.bind((HOST, 0))

    def listens(self):
        self.it.bind((HOST, 0))
        self.it.listen(4)

    def connected(self):
        self.it.setblocking(True)
        self.it.connect(self.other.getsockname())
        self.it.setblocking(False)
        self.peer, _ = self.other.accept()

    def accepted(self):
        self.peer = self.it
        self.peer.setblocking(True)
        self.peer.connect(self.other.getsockname())
        self.it, _ = self.other.accept()
        self.it.setblocking(False)

    def has_data(self):
        self.connected()
        self.peer.send(b"data")

    def peer_ended(self):
        self.connected()
        self.peer.shutdown(socket.SHUT_WR)

    def peer_closed(self):
        self.connected()
        self.peer.close()

    def was_reset(self):
        self.connected()
        self.it.send(b"unread")
        time.sleep(SETTLED)
        self.peer.close()

    def reset_with_data(self):
        self.connected()
        self.peer.send(b"data")
        self.it.send(b"unread")
        time.sleep(SETTLED)
        self.peer.close()

    def ended(self):
        self.connected()
        self.it.shutdown(socket.SHUT_WR)

    def ended_both_ways(self):
        self.connected()
        self.it.shutdown(socket.SHUT_RDWR)

    def refused(self):
        self.other.close()
        self.it.setblocking(True)
        try:
            self.it.connect((HOST, 1))
        except ConnectionRefusedError:
            pass
        self.it.setblocking(False)

    def being_refused(self):
        self.it.connect_ex((HOST, 1))

    # Deeds

    def reads(self):
        return self.it.recv(100)

    def peeks(self):
        return self.it.recv(100, socket.MSG_PEEK)

    def writes(self):
        return self.it.send(b"word")

    def sends_to(self):
        return self.it.sendto(b"word", self.other.getsockname())

    def ends(self):
        return self.it.shutdown(socket.SHUT_WR)

    def stops_reading(self):
        return self.it.shutdown(socket.SHUT_RD)

    def ends_all(self):
        return self.it.shutdown(socket.SHUT_RDWR)

    def binds(self):
        return self.it.bind((HOST, 0))

    def listens_(self):
        return self.it.listen(3)

    def listens_to_none(self):
        return self.it.listen(0)

    def accepts(self):
        return len(self.it.accept())

    def connects(self):
        return self.it.connect(self.other.getsockname())

    def connects_in_vain(self):
        return self.it.connect((HOST, 1))

    def tells_error(self):
        return error_of(self.it)

    def tells_peer(self):
        return len(self.it.getpeername())

    def tells_itself(self):
        host, port = self.it.getsockname()
        return host, port > 0

    def has_odd_buffer(self):
        return has_odd_buffer(self.it)

    def polls(self):
        return polled(self.it)

    def selects(self):
        return [len(found) for found in select.select([self.it], [self.it], [], 0)]


class Datagrams:
    STATES = "fresh bound connected connected_to_nobody has_data refused"
    DEEDS = (
        "reads reads_from reads_little writes writes_much sends_to sends_to_nobody sends_much ends_all binds binds_taken connects "
        "connects_to_nobody listens accepts tells_error tells_peer tells_itself has_odd_buffer polls"
    )

    def __init__(self):
        self.other, self.it = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.other.bind((HOST, 0))
        self.it.setblocking(False)

    def close(self):
        self.it.close()
        self.other.close()

    # States

    def fresh(self):
        pass

    def bound(self):
        self.it.bind((HOST, 0))

    def connected(self):
        self.it.connect(self.other.getsockname())

    def connected_to_nobody(self):
        self.it.connect((HOST, 9))

    def has_data(self):
        self.it.bind((HOST, 0))
        self.other.sendto(b"data", self.it.getsockname())

    def refused(self):
        self.it.connect((HOST, 9))
        self.it.send(b"x")

    # Deeds

    def reads(self):
        return self.it.recv(100)

    def reads_from(self):
        return self.it.recvfrom(100)[0]

    def reads_little(self):
        return self.it.recv(2)

    def writes(self):
        return self.it.send(b"word")

    def writes_much(self):
        return self.it.send(bytes(70_000))

    def sends_to(self):
        return self.it.sendto(b"word", self.other.getsockname())

    def sends_to_nobody(self):
        return self.it.sendto(b"word", (HOST, 9))

    def sends_much(self):
        return self.it.sendto(bytes(70_000), self.other.getsockname())

    def ends_all(self):
        return self.it.shutdown(socket.SHUT_RDWR)

    def binds(self):
        return self.it.bind((HOST, 0))

    def binds_taken(self):
        return self.it.bind(self.other.getsockname())

    def connects(self):
        return self.it.connect(self.other.getsockname())

    def connects_to_nobody(self):
        return self.it.connect((HOST, 9))

    def listens(self):
        return self.it.listen(1)

    def accepts(self):
        return len(self.it.accept())

    def tells_error(self):
        return error_of(self.it)

    def tells_peer(self):
        return len(self.it.getpeername())

    def tells_itself(self):
        host, port = self.it.getsockname()
        return host, port > 0

    def has_odd_buffer(self):
        return has_odd_buffer(self.it)

    def polls(self):
        return polled(self.it)


def error_of(it):
    code = it.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode.get(code, code)


def has_odd_buffer(it):
    """As much as the system lets it have."""
    it.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, -1)
    return it.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 0


def polled(it):
    poll = select.poll()
    poll.register(it, select.POLLIN | select.POLLOUT)
    found = dict(poll.poll(0)).get(it.fileno(), 0)
    return [name for name in ("POLLIN", "POLLOUT", "POLLERR", "POLLHUP") if found & getattr(select, name)]


def main(kind, depth):
    """A line for each way to do so many things to it, in each state."""
    kind = {"stream": Stream, "datagrams": Datagrams}[kind]
    for state, *deeds in itertools.product(kind.STATES.split(), *[kind.DEEDS.split()] * int(depth)):
        scene = kind()
        getattr(scene, state)()
        found = []
        for deed in deeds:
            time.sleep(SETTLED)
            found.append(f"{deed}: {told(getattr(scene, deed))}")
        # What ends this program is in the line that is not there.
        print(state, *found, sep=", ", flush=True)
        scene.close()


main(*sys.argv[1:3])
