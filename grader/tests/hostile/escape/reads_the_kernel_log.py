# What the kernel says is for others.
import ctypes
import errno
import os

from attack import contained, fails, refused

refused(103, 3, ctypes.create_string_buffer(100), 100)
for path in ("/dev/kmsg", "/proc/kmsg", "/proc/kcore", "/proc/kallsyms", "/dev/mem", "/dev/port", "/sys"):
    fails(lambda: os.stat(path), errno.ENOENT)
contained()
