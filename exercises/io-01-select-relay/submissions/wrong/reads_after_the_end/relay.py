"""Goes on waiting for a socket to be readable that has ended."""
import errno
import os
import selectors
import socket
import sys

BUFFER_MAX = 65536


class Flow:
    """One direction. It holds at most one buffer, and reads the next when that has been sent."""

    def __init__(self, source, sink):
        self.source = source
        self.sink = sink
        self.buffer = b""
        self.ended = False  # the FIN of the source has come, and has been passed on

    def move(self):
        """Does what can be done without waiting."""
        try:
            if not self.buffer and not self.ended:
                self.buffer = self.source.recv(BUFFER_MAX)
                if not self.buffer:
                    self.ended = True
                    self.sink.shutdown(socket.SHUT_WR)
            if self.buffer:
                self.buffer = self.buffer[self.sink.send(self.buffer) :]
        except BlockingIOError:
            pass


class Pair:
    """A client, its connection to the target, and the two flows between them."""

    def __init__(self, selector, client, target):
        self.selector = selector
        self.client = client
        self.target = target
        self.flows = [Flow(client, target), Flow(target, client)]
        self.connecting = True
        self.closed = False
        self.watch(target, selectors.EVENT_WRITE)  # a connection attempt ends with that event, well or badly

    def advance(self):
        """Something has happened to one of the sockets."""
        if self.closed:
            return
        try:
            if self.connecting:
                self.finish_connecting()
            for flow in self.flows:
                flow.move()
        except OSError as reason:
            print(f"pair lost: {reason}", file=sys.stderr)
            self.close()
            return
        if all(flow.ended for flow in self.flows):
            self.close()
        else:
            self.watch(self.client, self.interest(self.client))
            self.watch(self.target, self.interest(self.target))

    def finish_connecting(self):
        error = self.target.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self.connecting = False

    def interest(self, sock):
        """Whoever waits for an event that is always there spins, so both interests come and go."""
        events = 0
        for flow in self.flows:
            if flow.source is sock and not flow.buffer:
                events |= selectors.EVENT_READ
            if flow.sink is sock and flow.buffer:
                events |= selectors.EVENT_WRITE
        return events

    def watch(self, sock, events):
        watched = sock in self.selector.get_map()
        if events and watched:
            self.selector.modify(sock, events, self.advance)
        elif events:
            self.selector.register(sock, events, self.advance)
        elif watched:
            self.selector.unregister(sock)

    def close(self):
        self.closed = True
        for sock in (self.client, self.target):
            self.watch(sock, 0)
            sock.close()


def accept(listener, selector, address):
    try:
        client, _ = listener.accept()
    except OSError:  # the client has left, or no descriptor is left
        return
    client.setblocking(False)
    target = socket.socket()
    target.setblocking(False)
    error = target.connect_ex(address)
    if error in (0, errno.EINPROGRESS):
        Pair(selector, client, target)
    else:
        client.close()
        target.close()


def main():
    here, target = (sys.argv[1], int(sys.argv[2])), (sys.argv[3], int(sys.argv[4]))
    with socket.socket() as listener, selectors.DefaultSelector() as selector:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(here)
        listener.listen(128)
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, lambda: accept(listener, selector, target))
        while True:
            for key, _ in selector.select():
                key.data()


if __name__ == "__main__":
    main()
