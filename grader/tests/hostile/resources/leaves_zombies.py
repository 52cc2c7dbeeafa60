# Dead children that nobody waits for still take their places.
import errno
import os

from attack import contained, until_refused

assert until_refused(lambda: os.fork() or os._exit(0), errno.EAGAIN, most=1000) < 16
contained()
