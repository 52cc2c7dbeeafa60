# A pipe of more than its share is refused.
import errno
import fcntl
import os

from attack import contained, fails

reader, writer = os.pipe()
fails(lambda: fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 30), errno.EPERM, errno.ENOMEM)
contained()
