# No capability in any set, nor a way to get one.
import errno
import os
import struct

from attack import contained, fails, refused

lines = dict(line.split(":\t") for line in open("/proc/self/status").read().splitlines() if line.startswith("Cap"))
assert set(lines.values()) == {"0000000000000000"}, lines
data = struct.pack("6I", 0xFFFFFFFF, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0)
refused(126, struct.pack("Ii", 0x20080522, 0), data)
fails(lambda: os.setxattr("/work/attack.py", "security.capability", struct.pack("5I", 0x02000001, 1 << 21, 0, 0, 0)), errno.EPERM)
contained()
