# Neither groups nor broadcasts leave.
import errno
import socket

from attack import contained, fails

with socket.socket(type=socket.SOCK_DGRAM) as sender:
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    for address in ("224.0.0.1", "239.255.255.250", "255.255.255.255", "10.255.255.255"):
        fails(lambda: sender.sendto(b"x", (address, 1900)), errno.ENETUNREACH)
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
    fails(lambda: sender.sendto(b"x", ("ff02::1", 1900)), errno.ENETUNREACH, errno.EADDRNOTAVAIL)
contained()
