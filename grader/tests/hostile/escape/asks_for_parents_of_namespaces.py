# The files of its namespaces do not lead to those around them.
import errno
import fcntl
import os

from attack import contained, fails

for name in ("pid", "user"):
    own = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
    fails(lambda: fcntl.ioctl(own, 0xB702), errno.EPERM)
contained()
