# Names of Unix sockets that are no files belong to the network, too: the host's are not there.
import errno
import socket

from attack import canaries, contained, fails

for name in (canaries().get("name", "x"), "/tmp/.X11-unix/X0", "/org/freedesktop/systemd1/notify"):
    with socket.socket(socket.AF_UNIX) as client:
        fails(lambda: client.connect("\0" + name), errno.ECONNREFUSED)
for path in ("/run/docker.sock", "/run/systemd/notify", "/var/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432"):
    with socket.socket(socket.AF_UNIX) as client:
        fails(lambda: client.connect(path), errno.ENOENT)
contained()
