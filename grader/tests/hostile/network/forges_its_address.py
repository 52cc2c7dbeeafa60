# It speaks as nobody else: not from addresses that are not its own, not below TCP and UDP.
import errno
import socket

from attack import contained, fails

with socket.socket() as one:
    fails(lambda: one.bind(("10.0.0.1", 0)), errno.EADDRNOTAVAIL)
    fails(lambda: one.setsockopt(socket.SOL_IP, 19, 1), errno.EPERM)
    fails(lambda: one.setsockopt(socket.SOL_SOCKET, 36, 1), errno.EPERM)
for family, kind, protocol in ((2, 3, 1), (2, 3, 255), (10, 3, 58), (17, 3, 3), (17, 2, 3), (2, 5, 132), (2, 1, 262), (10, 2, 136)):
    fails(lambda: socket.socket(family, kind, protocol), errno.EPERM)
contained()
