# expect: runtime-error runtime-error
# says: it tried to have more than 16 processes and threads
import os
import signal

while True:
    os.fork() or signal.pause()
