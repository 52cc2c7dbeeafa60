# The loopback of the host is another one: its servers are not there, Postgres least of all.
import errno
import socket

from attack import canaries, contained, fails

for port in (canaries().get("port", 22), 22, 53, 80, 443, 5432, 8000):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as client:
            fails(lambda: client.connect((address, port)), errno.ECONNREFUSED)
contained()
