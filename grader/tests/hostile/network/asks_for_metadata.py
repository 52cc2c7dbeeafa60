# The service that tells machines in clouds their secrets is out of reach, like every other address.
import errno
import socket

from attack import contained, fails

for address in ("169.254.169.254", "10.0.0.1", "172.17.0.1", "192.168.0.1", "8.8.8.8"):
    with socket.socket() as client:
        fails(lambda: client.connect((address, 80)), errno.ENETUNREACH)
for address in ("fd00:ec2::254", "2001:4860:4860::8888", "fe80::1%lo"):
    with socket.socket(socket.AF_INET6) as client:
        fails(lambda: client.connect((address.split("%")[0], 80)), errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EINVAL)
contained()
