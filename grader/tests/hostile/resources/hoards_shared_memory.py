# expect: killed for memory
# So is memory that is shared with children, once and not for each of them.
import mmap

hoard = []
while True:
    hoard.append(mmap.mmap(-1, 1 << 20))
    hoard[-1].write(bytes(1 << 20))
