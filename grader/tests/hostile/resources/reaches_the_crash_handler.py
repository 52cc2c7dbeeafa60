# A limit of one byte keeps a crash from the host's crash handler; no other is to be had, not even a lower one. Where the
# grader itself had none to give, it stays at nothing.
import errno
import resource

from attack import contained, refused

assert resource.getrlimit(resource.RLIMIT_CORE) in ((1, 1), (0, 0))
for number in (160, 302):
    refused(number, *(() if number == 160 else (0,)), resource.RLIMIT_CORE, b"\0" * 16, 0, error=errno.EPERM)
try:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (PermissionError, ValueError):
    contained()
