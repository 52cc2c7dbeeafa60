# Two forks, a session of its own and deaf to every signal: it dies with the sandbox all the same.
import os
import signal
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 64):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        os.closerange(0, 64)
        time.sleep(1000)
    os._exit(0)
os.wait()
print("contained")
