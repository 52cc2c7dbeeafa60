# No device is made, and none is there but those that give or take bytes.
import errno
import os

from attack import contained, fails

for mode, minor in ((0o20600, 1), (0o20600, 11), (0o60600, 0)):
    fails(lambda: os.mknod("/work/device", mode, os.makedev(1, minor)), errno.EPERM)
names = {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm"}
assert set(os.listdir("/dev")) == names, os.listdir("/dev")
contained()
