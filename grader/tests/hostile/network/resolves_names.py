# There is no server for names, and no wait for one: what is not in /etc/hosts is unknown at once.
import os
import socket

from attack import contained

for name in ("example.org", "db", "metadata.google.internal"):
    try:
        raise AssertionError(socket.getaddrinfo(name, 80))
    except socket.gaierror as error:
        assert error.errno in (socket.EAI_AGAIN, socket.EAI_NONAME), error
assert not os.path.exists("/etc/resolv.conf")
contained()
