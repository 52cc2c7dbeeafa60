# No namespace of its own, by unshare, setns or clone.
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000, 0x4000000, 0x2000000):
    assert libc.unshare(flag) == -1, hex(flag)
    assert libc.syscall(56, flag | 17, 0, 0, 0, 0) == -1, hex(flag)
assert libc.syscall(435, 0, 0) == -1 and ctypes.get_errno() == errno.ENOSYS
assert libc.setns(os.open("/proc/self/ns/net", os.O_RDONLY), 0) == -1
print("contained")
