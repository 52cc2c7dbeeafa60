# No memory that even the kernel does not see, and none that is moved about for others.
from attack import contained, refused

refused(447, 0)
refused(279, 1, 0, 0, 0, 0, 0)
refused(256, 1, 0, 0, 0)
refused(278, -1, 0, 0, 0)
refused(448, -1, 0)
contained()
