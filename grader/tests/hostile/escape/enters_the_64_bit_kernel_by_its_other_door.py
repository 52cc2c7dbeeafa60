# The x32 interface has numbers of its own for the same calls: none is allowed. A container engine's filter, which knows
# only one interface, kills who asks.
import errno
import os
import signal

from attack import contained, refused

for number in (39, 0, 1, 59, 520, 521, 545):
    if os.fork() == 0:
        refused(0x40000000 | number, 0, 0, 0, error=errno.EPERM)
        os._exit(0)
    _, status = os.wait()
    assert status == 0 or os.WTERMSIG(status) == signal.SIGSYS, f"call {number} ended with {status}"
contained()
