# No program for the kernel, by whichever door.
import ctypes
import errno
import socket

from attack import contained, fails, refused

refused(321, 0, 0, 0)
refused(321, 5, ctypes.create_string_buffer(128), 128)
refused(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)
with socket.socket() as one:
    for level, option in ((1, 26), (1, 50), (1, 51), (1, 52), (6, 31)):
        fails(lambda: one.setsockopt(level, option, bytes(16)), errno.EPERM)
contained()
