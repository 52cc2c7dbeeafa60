# No ports of the machine, no descriptor tables of the processor.
from attack import contained, refused

refused(172, 3)
refused(173, 0, 1024, 1)
refused(154, 1, 0, 0)
contained()
