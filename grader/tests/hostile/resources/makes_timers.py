# Timers, and signals that wait to be taken, are limited.
import ctypes
import errno
import os
import signal

from attack import call, contained, until_refused

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
info = ctypes.create_string_buffer(128)
ctypes.memmove(info, (ctypes.c_int * 3)(signal.SIGRTMIN, 0, -1), 12)


def queue():
    result = call(129, os.getpid(), signal.SIGRTMIN, info)
    if result < 0:
        raise OSError(-result, "rt_sigqueueinfo")


def make():
    result = call(222, 1, 0, ctypes.create_string_buffer(8))
    if result < 0:
        raise OSError(-result, "timer_create")


until_refused(queue, errno.EAGAIN, most=100_000)
until_refused(make, errno.EAGAIN, most=100_000)
contained()
