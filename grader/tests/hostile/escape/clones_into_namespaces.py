# No namespace is made by clone, and clone3, whose flags no filter sees, is unknown.
import errno

from attack import contained, refused

for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
    refused(56, flag | 17, 0, 0, 0, 0)
refused(435, 0, 0, error=errno.ENOSYS)
contained()
