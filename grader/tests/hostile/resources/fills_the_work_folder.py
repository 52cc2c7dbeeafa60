# The work folder has a size.
import errno

from attack import contained, until_refused

with open("/work/big", "wb", buffering=0) as file:
    until_refused(lambda: file.write(bytes(1 << 20)) == 1 << 20 or file.write(b"x"), errno.ENOSPC, most=100)
contained()
