# Of what a process may ask for itself, what weakens a wall is refused.
from attack import call, contained, refused

for control in (22, 28, 35, 52, 53, 59, 0x59616D61, 47, 23 + 1000):
    refused(157, control, 1, 1, 0, 0)
assert call(157, 3) in (0, 1)
contained()
