# A hard link takes a place among the files too.
import errno
import itertools
import os

from attack import contained, until_refused

open("/work/file", "w").close()
number = itertools.count()
until_refused(lambda: os.link("/work/file", f"/work/{next(number)}"), errno.ENOSPC, most=1_000_000)
contained()
