# Orphans belong to the sandbox: their places are taken until they end, and they end with it.
import errno
import os
import time

from attack import contained, until_refused


def leave_one():
    child = os.fork()
    if child == 0:
        try:
            os.fork() or time.sleep(1000)
        except BlockingIOError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise BlockingIOError(errno.EAGAIN, "no orphan more")


assert until_refused(leave_one, errno.EAGAIN, most=1000) < 16
contained()
