# expect: killed for memory
# A file without a name is memory.
import os

file = os.memfd_create("hoard")
for _ in range(60):
    os.write(file, bytes(1 << 20))
    if os.fstat(file).st_size > 60 << 20:
        break
other = os.memfd_create("hoard")
while True:
    os.write(other, bytes(1 << 20))
