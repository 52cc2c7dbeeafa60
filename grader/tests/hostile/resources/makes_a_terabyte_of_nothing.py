# A sparse file takes no space, and is refused for its length all the same.
import errno
import os

from attack import contained, fails

file = os.open("/work/sparse", os.O_CREAT | os.O_RDWR)
fails(lambda: os.truncate("/work/sparse", 1 << 40), errno.EFBIG)
fails(lambda: os.pwrite(file, b"x", 1 << 40), errno.EFBIG)
fails(lambda: os.posix_fallocate(file, 0, 1 << 40), errno.EFBIG, errno.ENOSPC)
contained()
