# It has the descriptors that it was given and no other.
import errno
import os

from attack import contained, fails

assert os.listdir("/proc/self/fd") == ["0", "1", "2", "3"], os.listdir("/proc/self/fd")  # 3 lists them
fails(lambda: os.fstat(3), errno.EBADF)
contained()
