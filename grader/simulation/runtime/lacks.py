"""Says by name what a program needed and this lane does not have.

The program then ends with the exit code `CODE`, and its last line on stderr is `LINE`. By these the host knows; that a program
can write the same itself is no harm, since it could fail in other ways as well.

A thread or a process that is started ends the program on the spot: some of the library catches what such a start raises, prints
it and goes on. Modules and functions that are missing raise what they raise elsewhere (programs look for them, and do without), and are
named only where that is what the program dies of.
"""

import errno
import multiprocessing.process
import os
import subprocess
import sys
import threading
import traceback
import types

import _thread
from wit_world.imports import exit as wasi_exit

CODE = 86
LINE = "practicum: this program needs {}, which the simulated lane does not have"

# Where the image's own modules were, whose frames are not the program's.
IMAGE = os.path.dirname(__file__)

THREADS, PROCESSES = "threads", "processes"

# Modules that Python has on the machines of the native lane. Those of C are told as the module that needs them.
MODULES = {
    "_bz2": "bz2", "_ctypes": "ctypes", "_curses": "curses", "_lzma": "lzma", "_multiprocessing": PROCESSES, "_posixshmem": PROCESSES,
    "_posixsubprocess": PROCESSES, "_ssl": "ssl", "_tkinter": "tkinter", "_zstd": "compression.zstd",
    "compression.zstd": "compression.zstd", "multiprocessing": PROCESSES,
} | {
    name: name
    for name in (
        "bz2", "ctypes", "curses", "ensurepip", "fcntl", "grp", "hypothesis", "idlelib", "lzma", "mmap", "pika", "pty", "pwd", "readline",
        "resource", "spwd", "ssl", "syslog", "termios", "test", "tkinter", "tty", "turtle", "venv", "zmq",
    )
}  # fmt: skip

# Attributes of modules, likewise.
ATTRIBUTES = {
    "asyncio": {"Unix sockets": "start_unix_server open_unix_connection"},
    "multiprocessing": {PROCESSES: "heap managers shared_memory sharedctypes synchronize"},
    "os": {
        PROCESSES: (
            "fork forkpty execl execle execlp execlpe execv execve execvp execvpe spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp "
            "spawnvpe posix_spawn posix_spawnp system wait wait3 wait4 waitid waitpid kill killpg getppid getpgid getpgrp setsid setpgid "
            "pidfd_open nice"
        ),
        "pipes": "pipe pipe2 mkfifo openpty",
        "": (
            "dup2 sendfile eventfd memfd_create getuid geteuid getgid getegid getlogin getloadavg getrandom umask statvfs "
            "sched_getaffinity sched_setaffinity sched_yield sync chown posix_fallocate mknod"
        ),
    },
    "signal": {
        "signals": (
            "alarm setitimer getitimer pause sigwait sigwaitinfo sigtimedwait pthread_kill pthread_sigmask siginterrupt valid_signals "
            "SIGALRM"
        ),
    },
    "socket": {
        "Unix sockets": "AF_UNIX send_fds recv_fds",
        "": "SO_LINGER SOCK_RAW AF_PACKET AF_NETLINK if_nameindex sethostname SO_BINDTODEVICE",
    },
    "socketserver": {
        PROCESSES: "ForkingMixIn ForkingTCPServer ForkingUDPServer",
        "Unix sockets": "UnixStreamServer UnixDatagramServer ThreadingUnixStreamServer ThreadingUnixDatagramServer",
    },
    "select": {"": "epoll EPOLLIN EPOLLOUT EPOLLERR EPOLLHUP EPOLLET"},
    "selectors": {"": "EpollSelector"},
    "threading": {"": "get_native_id"},
    "time": {"": "thread_time thread_time_ns clock_settime pthread_getcpuclockid"},
}
ATTRIBUTES = {
    (module, name): what or f"{module}.{name}"
    for module, kinds in ATTRIBUTES.items()
    for what, names in kinds.items()
    for name in names.split()
}


def install():
    for name in ("start_new_thread", "start_new", "start_joinable_thread"):
        setattr(_thread, name, starts_a_thread)
    threading._start_joinable_thread = starts_a_thread
    subprocess.Popen.__init__ = starts_a_process
    multiprocessing.process.BaseProcess.start = starts_a_process


def starts_a_thread(*arguments, **named):
    end(THREADS, sys._getframe(1))


def starts_a_process(*arguments, **named):
    end(PROCESSES, sys._getframe(1))


def end(what, frame):
    """Ends the program, with where it was."""
    stack = [frame for frame in traceback.extract_stack(frame) if os.path.dirname(frame.filename) != IMAGE]
    try:
        print("Traceback (most recent call last):", "".join(traceback.format_list(stack)), sep="\n", end="", file=sys.stderr)
        sys.stdout.flush()
    finally:
        leave(say(what))


def say(what):
    print(LINE.format(what), file=sys.stderr, flush=True)
    return CODE


def leave(code):
    """`os._exit`: nothing is flushed, nothing is cleaned up."""
    wasi_exit.exit_with_code(code & 0xFF)


def named(error):
    """What the program lacked that ends in this exception; None where it is the program's own."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(named, error.exceptions)), None)
    return lacked(error) or (error.__cause__ and named(error.__cause__)) or None


def lacked(error):
    match error:
        case ImportError(name=str(name), name_from=str(attribute)) if (name, attribute) in ATTRIBUTES:
            return ATTRIBUTES[name, attribute]
        case ImportError() | NotImplementedError() if raised_in(error).startswith(("multiprocessing.", "concurrent.futures.process")):
            return PROCESSES
        case ModuleNotFoundError(name=str(name)):
            return MODULES.get(name) or MODULES.get(name.partition(".")[0])
        case AttributeError(obj=types.ModuleType() as module, name=str(name)):
            return ATTRIBUTES.get((module.__name__, name))
        case OSError(errno=errno.ENOPROTOOPT):
            return "a socket option"
        case _:
            return None


def raised_in(error):
    """The module that raised it."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at.tb_frame.f_globals.get("__name__", "") if at is not None else ""
