# A filter that decides for others, with a listener to hold them up, cannot be put on top.
from attack import contained, refused

refused(317, 1, 8, 0)
refused(317, 2, 0, 0)
refused(157, 22, 2, 0, 0, 0)
refused(444, 0, 0, 1)
refused(446, -1, 0)
contained()
