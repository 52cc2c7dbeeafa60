# reads: result nothing
# A second name of a file of the host cannot be made: it is on another file system.
import errno
import os

from attack import contained

for path in ("/etc/passwd", "/usr/bin/python3", "/practicum/library/masks/dropped.py"):
    try:
        os.link(path, "/work/result")
    except OSError as error:
        assert error.errno in (errno.EXDEV, errno.EPERM), error
contained()
