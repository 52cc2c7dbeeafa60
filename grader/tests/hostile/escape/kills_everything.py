# Process 1 does not die of us, and there is nobody else. Had it died, we would not live to say so.
import os

for pid in (1, -1):
    try:
        os.kill(pid, 9)
    except OSError:
        pass
print("contained")
