# TCP, UDP and Unix sockets only; a foreign family may reach the hypervisor or the wire.
import socket

for family, kind, protocol in [(2, 3, 1), (2, 3, 255), (10, 3, 58), (17, 3, 3), (40, 1, 0), (38, 5, 0), (16, 3, 9), (2, 1, 132), (2, 1, 262), (1, 1, 0)]:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        continue
    assert family == 1, (family, kind, protocol)
print("contained")
