# It may ask not to die with its parent: it dies with the sandbox.
import os
import time

from attack import call, contained

if os.fork() == 0:
    call(157, 1, 0)
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 10)
        while True:
            time.sleep(1000)
    os._exit(0)
os.wait()
contained()
