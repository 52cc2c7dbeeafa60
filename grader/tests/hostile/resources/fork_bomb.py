# Forks stop at the limit.
import os
import time

children = 0
try:
    while children < 1000:
        if os.fork() == 0:
            time.sleep(1000)
        children += 1
except BlockingIOError:
    pass
assert children < 16, children
print("contained")
