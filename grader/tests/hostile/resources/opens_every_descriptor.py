# Descriptors of a process are limited, and what they stand for is memory of its own.
import errno
import os

from attack import contained, until_refused

kinds = [lambda: os.open("/dev/null", os.O_RDONLY), lambda: os.eventfd(0), lambda: os.memfd_create("x")]
for kind in kinds:
    until_refused(kind, errno.EMFILE, most=100_000)
    os.closerange(3, 100_000)
contained()
