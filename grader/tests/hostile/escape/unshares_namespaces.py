# No namespace is made by unshare.
from attack import contained, refused

for flag in (0x80, 0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
    refused(272, flag)
contained()
