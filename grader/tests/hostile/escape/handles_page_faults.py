# To hold the kernel up in the middle of a copy is half of many an attack.
import errno

from attack import contained, fails, refused

refused(323, 0)
refused(323, 1)
fails(lambda: open("/dev/userfaultfd"), errno.ENOENT)
fails(lambda: open("/dev/fuse"), errno.ENOENT)
contained()
