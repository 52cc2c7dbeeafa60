"""Programs of the submission: started by name, watched through the kernel, never trusted."""

import os
import select
from signal import SIGKILL, SIGTERM

from .errors import Failure, NotReady
from .evidence import awaited

READ_BYTES_MAX = 16 << 20


class Exit:
    """How a program ended: `code`, or the `signal` that killed it."""

    def __init__(self, exit):
        self.code = exit.get("exited")
        self.signal = exit.get("signalled")

    def __repr__(self):
        return f"exit code {self.code}" if self.signal is None else f"killed by signal {self.signal}"


class Program:
    def __init__(self, link, name, process, listen, stdin, stdout):
        self._link = link
        self.name = name
        self.process = process
        self.listen = [_address(text) for text in listen]
        self.stdin = stdin
        self.stdout = stdout

    @property
    def address(self):
        return self.listen[0]

    def ready(self, addresses):
        answer, _, _ = self._link.ask("ready", process=self.process, addresses=addresses)
        if answer.get("ready"):
            return
        where = ", ".join(addresses)
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

    def __init__(self, link, descriptor, name):
        os.set_blocking(descriptor, False)
        self._link, self._descriptor, self._name = link, descriptor, name

    def fileno(self):
        return self._descriptor

    def write(self, data):
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                self._link.wait(self, select.POLLOUT, f"{self._name} has not read its standard input")

    def close(self):
        os.close(self._descriptor)


class Output:
    """A program's standard output."""

    def __init__(self, link, descriptor, name):
        os.set_blocking(descriptor, False)
        self._link, self._descriptor, self._name = link, descriptor, name
        self._unread = bytearray()
        self._ended = False

    def fileno(self):
        return self._descriptor

    def read_exactly(self, size):
        while len(self._unread) < size:
            missing = awaited(size, len(self._unread))
            if not self._fill(missing):
                raise Failure(f"{self._name} has not written {missing}, but closed its output")
        return self._take(size)

    def read_line(self):
        while b"\n" not in self._unread and len(self._unread) < READ_BYTES_MAX:
            if not self._fill("a whole line"):
                break
        return self._take(self._unread.find(b"\n") + 1 or len(self._unread))

    def read_to_end(self, limit=READ_BYTES_MAX):
        while self._fill("all of its output"):
            if len(self._unread) > limit:
                raise Failure(f"{self._name} wrote more than {limit} bytes")
        return self._take(len(self._unread))

    def _take(self, size):
        data, self._unread = bytes(self._unread[:size]), self._unread[size:]
        return data

    def _fill(self, missing):
        while not self._ended:
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                self._link.wait(self, select.POLLIN, f"{self._name} has not written {missing}")
                continue
            self._ended = not data
            self._unread += data
            return bool(data)
        return False


def _address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
