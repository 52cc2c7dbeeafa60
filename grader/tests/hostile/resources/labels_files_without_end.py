# Extended attributes are no way around the size of the work folder.
import errno
import itertools
import os

from attack import contained, until_refused

open("/work/file", "w").close()
number = itertools.count()
until_refused(
    lambda: os.setxattr("/work/file", f"user.{next(number)}", bytes(60_000)),
    *(errno.ENOSPC, errno.ENOTSUP, errno.EDQUOT),
    most=10_000,
)
contained()
