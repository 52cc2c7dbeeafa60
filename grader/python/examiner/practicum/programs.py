"""Programs of the submission: started by name, watched through the kernel, never trusted."""

import os
import select
from signal import SIGKILL, SIGTERM

from .addresses import address_of
from .errors import Failure, NotReady
from .evidence import awaited

READ_BYTES_MAX = 16 << 20
# What a pipe holds, usually.
PIECE_BYTES = 64 << 10


class Exit:
    """How a program ended: `code`, or the `signal` that killed it."""

    def __init__(self, exit):
        self.code = exit.get("exited")
        self.signal = exit.get("signalled")

    def __repr__(self):
        return f"exit code {self.code}" if self.signal is None else f"killed by signal {self.signal}"


class Program:
    """A program that was started; `stdin`, `stdout` and `stderr` are pipes to it, where they were asked for."""

    def __init__(self, place, name, process, listen):
        self._link = place._link
        self.name = name
        self.process = process
        # As exercise.toml has them, filled in: `HOST:PORT`, `udp:HOST:PORT` or `unix:NAME`.
        self.listen = listen
        self.stdin = self.stdout = self.stderr = None

    @property
    def address(self):
        return address_of(self.listen[0])

    def ready(self):
        """Waits until it listens, as the kernel's tables tell (K1)."""
        answer, _, _ = self._link.ask("ready", process=self.process, addresses=self.listen)
        if answer.get("ready"):
            return
        where = ", ".join(self.listen)
        if answer.get("exit") is not None:
            raise NotReady(f"{self.name} ended before it listened on {where}: {Exit(answer['exit'])}")
        raise NotReady(f"{self.name} does not listen on {where}, and never will: {self._link.described(answer['waits'])}")

    def alive(self):
        self._link.drain()
        return self.process not in self._link.exits

    def wait(self):
        """Waits until it has ended."""
        while self.process not in self._link.exits:
            answer, _, _ = self._link.ask("exit", process=self.process)
            if answer.get("exit") is not None:
                self._link.exits[self.process] = answer["exit"]
            elif answer.get("waits") is not None:
                raise self._link.stuck(answer, f"{self.name} has not ended")
        return Exit(self._link.exits[self.process])

    def through(self, pieces):
        """What it writes, while it is given all the pieces to read and then the end of input. It never has to wait for the other direction."""
        pieces, rest = iter(pieces), b""
        with select.epoll() as events:
            events.register(self.stdin, select.EPOLLOUT)
            events.register(self.stdout, select.EPOLLIN)
            while True:
                self._link.wait(events, select.POLLIN, f"{self.name} neither reads on nor writes anything", self.process)
                for number, _ in events.poll(0):
                    if number == self.stdout.fileno():
                        if not (data := os.read(number, PIECE_BYTES)):
                            return
                        yield data
                    elif rest := rest or next(pieces, b""):
                        rest = rest[self.stdin.offer(rest) :]
                    else:
                        events.unregister(number)
                        self.stdin.close()

    def signal(self, number):
        self._link.ask("signal", process=self.process, signal=int(number))

    def kill(self):
        self.signal(SIGKILL)
        return self.wait()

    def stop(self, number=SIGTERM):
        self.signal(number)
        return self.wait()


class Input:
    """A program's standard input."""

    def __init__(self, program, descriptor):
        os.set_blocking(descriptor, False)
        self._program, self._descriptor = program, descriptor
        self._words = f"{program.name} has not read its standard input"

    def fileno(self):
        return self._descriptor

    def write(self, data):
        rest = memoryview(data)
        while rest:
            taken = self.offer(rest)
            rest = rest[taken:]
            if not taken:
                self._program._link.wait(self, select.POLLOUT, self._words, self._program.process)

    def flood(self, data):
        """Writes until the program takes no more and nothing is going to change that; returns how much it took."""
        rest = memoryview(data)
        while rest:
            taken = self.offer(rest)
            rest = rest[taken:]
            if not taken and self._program._link.ready_or_still(self, select.POLLOUT, self._program.process) is not None:
                break
        return len(data) - len(rest)

    def offer(self, data):
        """How much of it the pipe has taken at once."""
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise Failure(f"{self._words} to its end, but closed it") from None

    def close(self):
        os.close(self._descriptor)


class Output:
    """What a program writes to one of its streams, named by `stream` in messages."""

    def __init__(self, program, descriptor, stream):
        os.set_blocking(descriptor, False)
        self._program, self._descriptor, self._stream = program, descriptor, stream
        self._unread = bytearray()
        self._ended = False

    def fileno(self):
        return self._descriptor

    def read_exactly(self, size):
        while len(self._unread) < size:
            missing = awaited(size, len(self._unread))
            if not self._fill(missing):
                raise Failure(f"{self._program.name} has not written {missing}, but closed its {self._stream}")
        return self._take(size)

    def read_line(self):
        while b"\n" not in self._unread and len(self._unread) < READ_BYTES_MAX:
            if not self._fill("a whole line"):
                break
        return self._take(self._unread.find(b"\n") + 1 or len(self._unread))

    def read_to_end(self, limit=READ_BYTES_MAX):
        while self._fill(f"all of its {self._stream}"):
            if len(self._unread) > limit:
                raise Failure(f"{self._program.name} wrote more than {limit} bytes")
        return self._take(len(self._unread))

    def _take(self, size):
        data, self._unread = bytes(self._unread[:size]), self._unread[size:]
        return data

    def _fill(self, missing):
        """Reads once, waiting for something; False at the end."""
        while not self._ended:
            before = len(self._unread)
            if self._read():
                return len(self._unread) > before
            self._program._link.wait(self, select.POLLIN, f"{self._program.name} has not written {missing}")
        return False

    def _read(self):
        """Reads once if there is something to read, or the end."""
        if self._ended:
            return True
        try:
            data = os.read(self._descriptor, 65536)
        except BlockingIOError:
            return False
        self._ended = not data
        self._unread += data
        return True
