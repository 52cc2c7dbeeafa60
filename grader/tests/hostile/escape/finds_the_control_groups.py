# Control groups are not in sight: no limit is raised there and nobody moves out.
import errno
import os

from attack import contained, fails, refused

fails(lambda: os.listdir("/sys/fs/cgroup"), errno.ENOENT)
assert all(line.rsplit(":", 1)[1] == "/" for line in open("/proc/self/cgroup").read().splitlines())
refused(165, b"none", b"/tmp", b"cgroup2", 0, 0)
contained()
