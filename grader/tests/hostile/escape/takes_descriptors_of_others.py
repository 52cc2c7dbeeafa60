# Descriptors of process 1 cannot be taken over.
from attack import call, contained, refused

first = call(434, 1, 0)
assert first < 0 or call(438, first, 3, 0) == -1
refused(438, -1, 0, 0)
refused(312, 1, 1, 0, 0, 0)
contained()
