# expect: time-limit time-limit
# says: more than 2 s of processor time
import os
import signal

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        sum(range(10**6))
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        pass
