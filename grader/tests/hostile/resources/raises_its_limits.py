# Limits cannot be raised, nor those of others set.
import os
import resource

for name in ("RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
    number = getattr(resource, name)
    try:
        resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, PermissionError):
        continue
    raise SystemExit(name)
try:
    resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))
    raise SystemExit("prlimit of init")
except PermissionError:
    pass
try:
    os.nice(-5)
    raise SystemExit("nice")
except PermissionError:
    pass
print("contained")
