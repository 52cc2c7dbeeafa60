# expect: runtime-error runtime-error
# Whoever waits for the end of its output waits for ever.
import os
import signal

if os.fork() == 0:
    os.setsid()
    signal.pause()
print('{"outcome": "passed"}', flush=True)
os._exit(0)
