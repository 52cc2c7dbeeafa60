# The x32 interface has numbers of its own for the same calls: none is allowed.
import errno

from attack import contained, refused

for number in (39, 0, 1, 59, 520, 521, 545):
    refused(0x40000000 | number, 0, 0, 0, error=errno.EPERM)
contained()
