# Process 1 is not ours to signal, and there is nobody else.
import os

try:
    os.kill(1, 9)
    raise SystemExit("init took the signal")
except PermissionError:
    pass
try:
    os.kill(-1, 9)
except OSError:
    pass
print("contained")
