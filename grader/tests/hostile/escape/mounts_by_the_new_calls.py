# Nor by the calls that replaced these.
from attack import contained, refused

refused(430, b"tmpfs", 0)
refused(431, -1, 0, 0, 0, 0)
refused(432, -1, 0, 0)
refused(433, -100, b"/", 0)
refused(428, -100, b"/", 1)
refused(429, -100, b"/proc", -100, b"/tmp", 0)
refused(442, -100, b"/", 0, 0, 0)
contained()
