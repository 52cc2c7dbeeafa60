# reads: result 100
# A file that grows while it is read.
import os

from attack import contained

file = open("/work/result", "wb", buffering=0)
file.write(bytes(4096))
if os.fork() == 0:
    while True:
        file.write(bytes(4096))
        file.truncate(4096)
contained()
