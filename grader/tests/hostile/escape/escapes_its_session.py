# No terminal to make its own, none to write into.
import errno
import fcntl
import os

from attack import contained, fails

for number in (0x540E, 0x5412, 0x541C, 0x5480):
    for descriptor in (0, 1, 2):
        fails(lambda: fcntl.ioctl(descriptor, number, b"x"), errno.EPERM, errno.ENOTTY, errno.EBADF)
for path in ("/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/console", "/dev/tty0", "/dev/vcs"):
    fails(lambda: os.stat(path), errno.ENOENT)
contained()
