# Memory that cannot be swapped out is limited.
import ctypes
import errno
import mmap

from attack import contained, refused

memory = mmap.mmap(-1, 8 << 20)
refused(149, ctypes.addressof(ctypes.c_char.from_buffer(memory)), 8 << 20, error=errno.ENOMEM)
contained()
