# A number of a process on the host means nobody here.
import errno
import os

from attack import canaries, contained, fails

pid = canaries().get("process", 2)
for number in (0, 9, 19):
    fails(lambda: os.kill(pid, number), errno.ESRCH)
fails(lambda: os.pidfd_open(pid), errno.ESRCH)
fails(lambda: os.kill(1, 0), errno.EPERM)
fails(lambda: os.kill(-1, 0), errno.EPERM, errno.ESRCH)
contained()
