"""Executes one command for each time that something comes."""
import hashlib
import re
import selectors
import socket
import sys
from collections import deque

CHUNK = 65536
WORDS_MAX = 1024
BULK_MAX = 1 << 20
HEADER_MAX = 32
UNSENT_MAX = 1 << 20  # a client that does not read its replies gets no more of them made
SLICE = 2000
NUMBER = re.compile(rb"-?[0-9]+")


class ProtocolError(Exception):
    pass


class CommandError(Exception):
    pass


# The protocol


def parse(buffer):
    """The first command in `buffer` and where it ends; None while it is not whole."""
    header = parse_header(buffer, 0, b"*", WORDS_MAX)
    if header is None:
        return None
    count, at = header
    if count == 0:
        raise ProtocolError
    words = []
    for _ in range(count):
        header = parse_header(buffer, at, b"$", BULK_MAX)
        if header is None:
            return None
        size, at = header
        if len(buffer) < at + size + 2:
            return None
        if buffer[at + size : at + size + 2] != b"\r\n":
            raise ProtocolError
        words.append(bytes(buffer[at : at + size]))
        at += size + 2
    return words, at


def parse_header(buffer, at, kind, largest):
    """The number in a line such as "$12" and where the line ends; None while it is not whole."""
    end = buffer.find(b"\r\n", at, at + HEADER_MAX)
    if end < 0 and len(buffer) < at + HEADER_MAX and buffer[at : at + 1] in (kind, b""):
        return None
    digits = buffer[at + 1 : end]
    if end < 0 or buffer[at : at + 1] != kind or not digits.isdigit() or int(digits) > largest:
        raise ProtocolError
    return int(digits), end + 2


def bulk(value):
    return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)


def number(value):
    return b":%d\r\n" % value


# The commands


class Store:
    def __init__(self):
        self.values = {}
        # Name, function, least and most arguments.
        self.commands = {
            b"PING": (self.ping, 0, 1),
            b"ECHO": (bulk, 1, 1),
            b"SET": (self.set, 2, 2),
            b"GET": (self.get, 1, 1),
            b"DEL": (self.delete, 1, WORDS_MAX),
            b"INCR": (self.increment, 1, 1),
            b"MGET": (self.get_many, 1, WORDS_MAX),
            b"CRUNCH": (self.crunch, 2, 2),
        }

    def execute(self, words):
        """The reply, or a generator that yields until it returns the reply."""
        function, least, most = self.commands.get(words[0].upper(), (None, 0, 0))
        if function is None:
            return b"-ERR unknown command\r\n"
        if not least <= len(words) - 1 <= most:
            return b"-ERR wrong number of arguments\r\n"
        try:
            return function(*words[1:])
        except CommandError as error:
            return b"-ERR %b\r\n" % str(error).encode()

    def ping(self, message=None):
        return b"+PONG\r\n" if message is None else bulk(message)

    def set(self, key, value):
        self.values[key] = value
        return b"+OK\r\n"

    def get(self, key):
        return bulk(self.values.get(key))

    def get_many(self, *keys):
        return b"*%d\r\n" % len(keys) + b"".join(map(self.get, keys))

    def delete(self, *keys):
        return number(sum(self.values.pop(key, None) is not None for key in keys))

    def increment(self, key):
        value = self.values.get(key, b"0")
        if not NUMBER.fullmatch(value):
            raise CommandError("value is not an integer")
        self.values[key] = b"%d" % (int(value) + 1)
        return number(int(value) + 1)

    def crunch(self, rounds, key):
        if not rounds.isdigit() or int(rounds) == 0:
            raise CommandError("the number of rounds is not a positive integer")
        return self.crunching(int(rounds), key)

    def crunching(self, rounds, key):
        digest = key
        for done in range(rounds):
            digest = hashlib.sha256(digest).digest()
            if done % SLICE == SLICE - 1:
                yield
        self.values[key] = digest.hex().encode()
        return bulk(self.values[key])


# The clients


class Client:
    """One connection: what has come and is no whole command yet, and what could not be sent yet."""

    def __init__(self, sock, server):
        self.sock = sock
        self.server = server
        self.received = bytearray()
        self.unsent = bytearray()
        self.crunching = False  # its next command waits until this one is done
        self.ended = False  # nothing more will come

    def ready(self, events):
        try:
            if events & selectors.EVENT_READ:
                data = self.sock.recv(CHUNK)
                self.received += data
                self.ended = not data
            self.proceed()
        except OSError:  # this client is lost, the server is not
            self.close()

    def proceed(self):
        """Executes what is there, sends what can be sent, and says what to wait for."""
        self.flush()
        if not self.held() and self.execute_next():
            self.flush()
        if self.ended and not self.crunching and not self.unsent:
            self.close()
        else:
            self.server.watch(self, self.wanted())

    def held(self):
        return self.crunching or len(self.unsent) > UNSENT_MAX

    def wanted(self):
        reading = selectors.EVENT_READ if not self.held() and not self.ended else 0
        return reading | (selectors.EVENT_WRITE if self.unsent else 0)

    def execute_next(self):
        """Whether there was a whole command."""
        try:
            command = parse(self.received)
        except ProtocolError:
            self.received.clear()
            self.unsent += b"-ERR Protocol error\r\n"
            self.flush()
            self.ended = True
            return False
        if command is None:
            return False
        words, end = command
        del self.received[:end]
        reply = self.server.store.execute(words)
        if isinstance(reply, bytes):
            self.unsent += reply
        else:
            self.crunching = True
            self.server.crunches.append((self, reply))
        return True

    def crunched(self, reply):
        self.crunching = False
        self.unsent += reply
        try:
            self.proceed()
        except OSError:
            self.close()

    def flush(self):
        try:
            while self.unsent:
                del self.unsent[: self.sock.send(self.unsent)]
        except BlockingIOError:
            pass

    def close(self):
        if self.sock.fileno() >= 0:
            self.server.watch(self, 0)
            self.sock.close()


class Server:
    def __init__(self, address):
        self.store = Store()
        self.crunches = deque()  # (client, generator), each to get a slice in its turn
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(address, backlog=128)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def run(self):
        while True:
            for key, events in self.selector.select(0 if self.crunches else None):
                key.data(events)
            if self.crunches:
                self.crunch_a_little()

    def accept(self, _):
        try:
            sock, _ = self.listener.accept()
        except OSError:  # the client left again
            return
        sock.setblocking(False)
        self.watch(Client(sock, self), selectors.EVENT_READ)

    def watch(self, client, events):
        """From now on the client hears of these events."""
        registered = client.sock in self.selector.get_map()
        if events and registered:
            self.selector.modify(client.sock, events, client.ready)
        elif events:
            self.selector.register(client.sock, events, client.ready)
        elif registered:
            self.selector.unregister(client.sock)

    def crunch_a_little(self):
        client, rounds = self.crunches.popleft()
        try:
            next(rounds)
            self.crunches.append((client, rounds))
        except StopIteration as done:
            client.crunched(done.value)


if __name__ == "__main__":
    Server((sys.argv[1], int(sys.argv[2]))).run()
