# A program's arguments and environment are limited.
import errno
import os

from attack import contained, fails

fails(lambda: os.execve("/usr/bin/true", ["true"], {str(number): "x" * 100_000 for number in range(30)}), errno.E2BIG)
contained()
