# Nothing is mounted, moved, unmounted or made the root.
from attack import contained, refused

refused(165, b"none", b"/tmp", b"tmpfs", 0, 0)
refused(165, b"/usr", b"/tmp", b"", 4096, 0)
refused(166, b"/proc", 2)
refused(155, b"/work", b"/work")
refused(161, b"/work")
contained()
