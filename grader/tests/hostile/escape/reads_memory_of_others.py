# Memory of other processes is neither read nor written, by no call and by no file.
import errno

from attack import contained, fails, refused

refused(310, 1, 0, 0, 0, 0, 0)
refused(311, 1, 0, 0, 0, 0, 0)
refused(440, 1, 0, 0, 0, 0)
for name in ("mem", "maps", "environ", "auxv", "syscall", "stack", "pagemap"):
    fails(lambda: open(f"/proc/1/{name}", "rb").read(1), errno.EACCES, errno.EPERM, errno.ENOENT)
contained()
