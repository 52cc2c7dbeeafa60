# Addresses, routes and devices stay as they are; there is one device.
import errno
import fcntl
import socket
import struct

from attack import contained, fails

with socket.socket() as control:
    for request in (0x8914, 0x8916, 0x890B, 0x8924, 0x8933 + 0x100):
        fails(lambda: fcntl.ioctl(control, request, b"lo".ljust(40, b"\0")), errno.EPERM, errno.EINVAL, errno.ENOTTY)
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
    netlink.bind((0, 0))
    for kind, body in ((20, struct.pack("4BI", 2, 24, 0, 0, 1) + struct.pack("HH4s", 8, 2, bytes([10, 0, 0, 1]))), (16, bytes(16)), (24, bytes(12))):
        netlink.send(struct.pack("IHHII", 16 + len(body), kind, 0x605, 1, 0) + body)
        error = struct.unpack("i", netlink.recv(4096)[16:20])[0]
        assert error == -errno.EPERM, (kind, error)
assert socket.if_nameindex() == [(1, "lo")]
contained()
