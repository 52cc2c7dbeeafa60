# No device of its own, by a tunnel or a pair.
import errno
import socket
import struct

from attack import contained, fails

fails(lambda: open("/dev/net/tun", "rb"), errno.ENOENT)
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
    netlink.bind((0, 0))
    kind = struct.pack("HH8s", 12, 1, b"dummy\0\0\0")
    body = bytes(16) + struct.pack("HH", 4 + len(kind), 18) + kind
    netlink.send(struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
    assert struct.unpack("i", netlink.recv(4096)[16:20])[0] == -errno.EPERM
contained()
