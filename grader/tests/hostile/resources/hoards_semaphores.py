# expect: killed for memory
# Semaphores of System V are memory, too.
from attack import call

while call(64, 0, 1000, 0o1600) >= 0:
    pass
print("no more semaphores, and no limit")
