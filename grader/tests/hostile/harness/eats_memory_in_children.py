# expect: memory-limit memory-limit
# says: more than 64 MiB of memory
# Each of them is small.
import os
import signal

for _ in range(12):
    if os.fork() == 0:
        hoard = b"x" * (8 << 20)
        signal.pause()
signal.pause()
