# Credentials that ride on a message are checked by the kernel.
import errno
import os
import socket
import struct

from attack import contained, fails

one, other = socket.socketpair()
for pid, uid, gid in ((1, 1000, 1000), (os.getpid(), 0, 1000), (os.getpid(), 1000, 0)):
    fails(lambda: one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("3i", pid, uid, gid))]), errno.EPERM, errno.EINVAL)
contained()
