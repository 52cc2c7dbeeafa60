"""Where the standard library counts on a thread, a signal or a system call that is not there, and can do without.

Only what comes to the same is replaced. What needs a thread, because it waits while something else goes on, ends the program by
name (see `lacks`).
"""

import asyncio
import functools
import os
import platform
import socket
import sys
import threading
import time
import types

import _thread
from asyncio import base_events, unix_events

import lacks
from sockets import EVERY_ADDRESS

SOCKET_KINDS = [(socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP)]
# Functions of C that may wait.
MAY_WAIT = {
    "accept", "connect", "connect_ex", "poll", "recv", "recv_into", "recvfrom", "recvfrom_into", "select", "send", "sendall", "sendto",
    "sleep",
}  # fmt: skip


def install():
    base_events.BaseEventLoop.run_in_executor = run_in_executor
    base_events.BaseEventLoop.shutdown_default_executor = shutdown_default_executor
    # Nobody here sends signals, so a handler may be set and is never called.
    unix_events._UnixSelectorEventLoop.add_signal_handler = lambda self, signal, callback, *arguments: None
    unix_events._UnixSelectorEventLoop.remove_signal_handler = lambda self, signal: False
    threading.Condition.wait = wait
    threading.Lock = threading._allocate_lock = _thread.allocate_lock = Lock
    for name in ("gethostname", "getfqdn", "gethostbyaddr", "gethostbyname_ex", "getnameinfo"):
        setattr(socket, name, globals()[name])
    socket.getaddrinfo = getaddrinfo
    os.uname = uname
    # It asks `uname -p`.
    platform._Processor.from_subprocess = staticmethod(lambda: "")
    os._exit = lacks.leave


def run_in_executor(self, executor, function, *arguments):
    """At once, and whole. That is how a thread might run as well, if its function does not wait for anything."""
    if executor is not None:
        return asyncio.wrap_future(executor.submit(function, *arguments), loop=self)
    future = self.create_future()
    if function not in (socket.getaddrinfo, socket.getnameinfo):
        end_if_it_waits(function)
    try:
        future.set_result(function(*arguments))
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        future.set_exception(error)
    finally:
        sys.setprofile(None)
    return future


def end_if_it_waits(function):
    """What Python code calls is seen by a profiler, but not that this module calls something of C."""
    while isinstance(function, functools.partial):
        # `asyncio.to_thread` runs its function in a context.
        function = function.args[0] if is_named(function.func, {"run"}) and function.args else function.func
    if is_named(function, MAY_WAIT):
        lacks.end("threads", sys._getframe(2))
    sys.setprofile(profile)


def profile(frame, event, called):
    if event == "c_call" and is_named(called, MAY_WAIT):
        sys.setprofile(None)
        lacks.end("threads", frame)


def is_named(function, names):
    return isinstance(function, types.BuiltinFunctionType | types.MethodDescriptorType) and function.__name__ in names


async def shutdown_default_executor(self, timeout=None):
    self._executor_shutdown_called = True


def wait(self, timeout=None):
    """`Condition.wait`, on which events, queues and semaphores rest: there is nobody who could notify."""
    if not self._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    return wait_in_vain(timeout)


def wait_in_vain(timeout):
    while timeout is None:
        time.sleep(3600)
    time.sleep(max(timeout, 0))
    return False


class Lock:
    """Who takes a lock that is taken waits for itself. The interpreter's own would trap there, as this machine has no threads."""

    def __init__(self):
        self.taken = False

    def acquire(self, blocking=True, timeout=-1):
        if not self.taken:
            self.taken = True
            return True
        return blocking and wait_in_vain(None if timeout == -1 else timeout)

    def release(self):
        if not self.taken:
            raise RuntimeError("release unlocked lock")
        self.taken = False

    def locked(self):
        return self.taken

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *raised):
        self.release()


look_up = socket.getaddrinfo


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """The C library's knows no addresses to listen on, and takes every socket for a stream."""
    if host in (None, "", b"") and flags & socket.AI_PASSIVE:
        hosts = [address for its, address in EVERY_ADDRESS.items() if family in (0, its)]
    else:
        hosts = [host]
    found = dict.fromkeys(
        (its, name, address) for host in hosts for its, _, _, name, address in look_up(host, port, family, 0, 0, flags)
    )
    kinds = [kind for kind in SOCKET_KINDS if type in (0, kind[0]) and proto in (0, kind[1])]
    if not kinds:
        raise socket.gaierror(socket.EAI_SOCKTYPE, "ai_socktype not supported")
    return [(its, *kind, name, address) for its, name, address in found for kind in kinds]


def gethostname():
    return os.environ.get("NODE", "localhost")


def getfqdn(name=""):
    return gethostname() if name in ("", "0.0.0.0", "::") else name


def gethostbyname_ex(name):
    found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return name, [], list(dict.fromkeys(address[0] for *_, address in found))


def gethostbyaddr(name):
    """Names lead to addresses here, and no address to a name but one's own."""
    own = gethostbyname_ex(gethostname())
    if name == own[0] or name in own[2]:
        return own
    if name in ("localhost", "127.0.0.1"):
        return "localhost", [], ["127.0.0.1"]
    raise socket.herror(1, "Unknown host")


def getnameinfo(address, flags):
    host, port = address[:2]
    if not flags & socket.NI_NUMERICHOST:
        try:
            host = gethostbyaddr(host)[0]
        except OSError:
            if flags & socket.NI_NAMEREQD:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    return host, str(port)


machine = os.uname


def uname():
    system, _, *others = machine()
    return os.uname_result((system, gethostname(), *others))
