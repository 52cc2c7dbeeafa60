# The kernel is neither extended nor replaced nor restarted.
from attack import contained, refused

refused(175, b"", 0, b"")
refused(313, -1, b"", 0)
refused(176, b"dummy", 0)
refused(246, 0, 0, 0, 0)
refused(320, -1, -1, 0, b"", 0)
refused(169, 0xFEE1DEAD, 0x28121969, 0x1234567, 0)
contained()
