# So have /tmp and /dev/shm.
import errno

from attack import contained, until_refused

for path in ("/tmp/big", "/dev/shm/big"):
    with open(path, "wb", buffering=0) as file:
        until_refused(lambda: file.write(bytes(1 << 20)) == 1 << 20 or file.write(b"x"), errno.ENOSPC, most=100)
    open(path, "wb").close()
contained()
