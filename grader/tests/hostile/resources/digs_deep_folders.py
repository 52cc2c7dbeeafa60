# Folders in folders, until no path reaches them: each is a file of the work folder's number.
import errno
import os

from attack import contained, until_refused


def dig():
    os.mkdir("d" * 200)
    os.chdir("d" * 200)


assert until_refused(dig, errno.ENOSPC, most=10_000) > 500
contained()
