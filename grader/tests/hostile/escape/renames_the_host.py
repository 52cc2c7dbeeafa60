# The host has its name, in the sandbox too.
import os

from attack import contained, refused

refused(170, b"evil", 4)
refused(171, b"evil", 4)
assert os.uname().nodename == "sandbox"
contained()
