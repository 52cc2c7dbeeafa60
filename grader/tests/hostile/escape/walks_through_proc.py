# Roots, working folders, programs and descriptors of process 1 are no doors.
import errno
import os

from attack import contained, fails

for name in ("root", "cwd", "exe", "fd/0", "fd/3", "ns/mnt", "ns/user", "map_files"):
    fails(lambda: os.stat(f"/proc/1/{name}"), errno.EACCES, errno.EPERM, errno.ENOENT)
assert [name for name in os.listdir("/proc") if name.isdigit() and name != str(os.getpid())] == []
contained()
