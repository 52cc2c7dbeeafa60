# The work folder has a number of files.
import errno
import itertools

from attack import contained, until_refused

number = itertools.count()
until_refused(lambda: open(f"/work/{next(number)}", "w").close(), errno.ENOSPC, most=1_000_000)
contained()
