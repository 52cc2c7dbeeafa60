# expect: deadlock time-limit
# Another channel in the place of the shim's, whose other end is ours. Whoever reads the old one goes on doing so.
import os
import socket

THREADS = "/proc/self/task"
RECVMSG = "47 "
ours, theirs = socket.socketpair()
while not any(open(f"{THREADS}/{thread}/syscall").read().startswith(RECVMSG) for thread in os.listdir(THREADS)):
    pass
os.dup2(theirs.fileno(), 3)


def double(number):
    return 2 * number
