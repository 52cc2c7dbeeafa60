"""Asks who it is when it starts."""
import argparse
import os
import select
import signal
import socket
import stat
import sys
import threading
import traceback

# The service


WHO = b"%d %d" % (os.getpid(), threading.get_native_id())


class Counter:
    """Threads share the one of their process; a forked process has a copy."""

    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def bump(self):
        with self.lock:
            self.value += 1
            return self.value


def answer(line, counter):
    command, _, text = line.partition(b" ")
    if command == b"ECHO":
        return text
    if line == b"WHO":
        return WHO
    if line == b"BUMP":
        return b"%d" % counter.bump()
    if line == b"FAIL":
        raise RuntimeError("a client asked for it")
    return b"ERR unknown command"


def serve_session(conn, counter):
    """Answers one client's lines until it ends; nothing that happens here is the server's end."""
    try:
        with conn, conn.makefile("rb") as lines:
            for line in lines:
                conn.sendall(answer(line.removesuffix(b"\n"), counter) + b"\n")
    except OSError as error:
        print(f"client lost: {error}", file=sys.stderr)
    except Exception:
        traceback.print_exc()


# Execution models


class Serial:
    """The thread that accepts serves the session; the next client waits."""

    def start(self, conn, counter):
        serve_session(conn, counter)

    def finish(self):
        pass


class Threads:
    """Every session has a thread, which is no daemon: the interpreter waits for it before it exits."""

    def start(self, conn, counter):
        threading.Thread(target=serve_session, args=(conn, counter)).start()

    def finish(self):
        pass


class Forks:
    """Every session has a process. Each process closes what belongs to the other."""

    def __init__(self, listener):
        self.listener = listener
        signal.signal(signal.SIGCHLD, self.reap)

    def start(self, conn, counter):
        if os.fork() == 0:
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                self.listener.close()
                serve_session(conn, counter)
            finally:
                os._exit(0)  # whatever has happened, this process must not go on as a second server
        conn.close()

    def reap(self, *_):
        """Children that end at the same time may share one SIGCHLD."""
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            pass

    def finish(self):
        try:
            while True:
                os.waitpid(-1, 0)
        except ChildProcessError:
            pass


# The server


class Server:
    def __init__(self, listener, mode):
        self.listener = listener
        self.listener.setblocking(False)
        self.mode = mode
        self.counter = Counter()
        self.stopping = False
        # A signal that comes just before select() would not interrupt it. Its number in this pair does.
        self.signalled, waker = socket.socketpair()
        self.signalled.setblocking(False)
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.detach())
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopping = True

    def serve(self):
        """Until SIGTERM; then waits for the sessions that are open."""
        while not self.stopping:
            ready, _, _ = select.select([self.listener, self.signalled], [], [])
            if self.signalled in ready:
                self.signalled.recv(100)
            elif self.listener in ready:
                self.accept()
        self.listener.close()
        self.mode.finish()

    def accept(self):
        try:
            conn, _ = self.listener.accept()
        except OSError:  # the client left between its arrival and our accept
            return
        self.mode.start(conn, self.counter)


def listen(arguments):
    if arguments.unix is None:
        return socket.create_server((arguments.host, arguments.port), backlog=64)
    # The socket file of a server that was killed is in the way; any other file is somebody's.
    if os.path.lexists(arguments.unix) and stat.S_ISSOCK(os.lstat(arguments.unix).st_mode):
        os.unlink(arguments.unix)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(arguments.unix)
    listener.listen(64)
    return listener


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host", nargs="?")
    parser.add_argument("port", nargs="?", type=int)
    parser.add_argument("--unix", metavar="PATH")
    parser.add_argument("--mode", choices=["serial", "thread", "fork"], required=True)
    arguments = parser.parse_args()
    try:
        listener = listen(arguments)
    except OSError as error:
        sys.exit(f"server.py: cannot listen: {error}")
    modes = {"serial": Serial, "thread": Threads, "fork": lambda: Forks(listener)}
    Server(listener, modes[arguments.mode]()).serve()
    if arguments.unix is not None:
        os.unlink(arguments.unix)


if __name__ == "__main__":
    main()
