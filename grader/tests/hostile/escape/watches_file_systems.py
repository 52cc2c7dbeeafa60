# No watch on a whole file system.
from attack import contained, refused

refused(300, 0, 0)
refused(301, -1, 1, 0, 0, 0)
refused(212, 0, 0, 0)
contained()
