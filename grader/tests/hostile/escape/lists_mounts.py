# The calls that tell of mounts are closed, and the list that is open tells of no folder of ours.
from attack import contained, refused

refused(457, 0, 0, 0, 0)
refused(458, 0, 0, 0, 0)
text = open("/proc/self/mountinfo").read()
roots = {line.split()[3] for line in text.splitlines()}
assert all(root == "/" or root.startswith(("/usr/", "/practicum/", "/null", "/zero", "/full", "/random", "/urandom", "/hosts")) for root in roots), roots
contained()
