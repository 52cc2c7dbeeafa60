# Queues of POSIX, which no module of the standard library knows, are closed.
from attack import contained, refused

refused(240, b"queue", 0o102, 0o600, 0)
refused(241, b"queue")
contained()
