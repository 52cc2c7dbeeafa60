# No namespace is entered, by its file or by a process.
import os

from attack import contained, refused

for name in os.listdir("/proc/self/ns"):
    refused(308, os.open(f"/proc/self/ns/{name}", os.O_RDONLY), 0)
own = os.pidfd_open(os.getpid())
for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
    refused(308, own, flag)
contained()
