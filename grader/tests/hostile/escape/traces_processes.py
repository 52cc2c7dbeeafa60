# No process is traced: not process 1, not a child, not by offering oneself.
from attack import contained, refused

for request, pid in ((16, 1), (0x4206, 1), (0, 0)):
    refused(101, request, pid, 0, 0)
contained()
