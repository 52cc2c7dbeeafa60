# The kernel's keyrings are in no namespace: they are closed.
from attack import contained, refused

refused(248, b"user", b"name", b"secret", 6, -4)
refused(250, 1, b"ring")
refused(249, b"user", b"name", b"", 0)
contained()
