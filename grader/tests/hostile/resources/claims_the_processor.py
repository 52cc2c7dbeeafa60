# No scheduling class before others, and no nicer value than it has.
import errno
import os

from attack import contained, fails, refused

for policy in (os.SCHED_FIFO, os.SCHED_RR):
    fails(lambda: os.sched_setscheduler(0, policy, os.sched_param(1)), errno.EPERM)
fails(lambda: os.setpriority(os.PRIO_PROCESS, 0, -1), errno.EACCES, errno.EPERM)
refused(251, 1, 0, 1 << 13)  # ioprio_set, to the real-time class
contained()
