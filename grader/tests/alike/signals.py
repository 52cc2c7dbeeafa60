import os
import signal

print([(number, str(signal.getsignal(number))[:40]) for number in sorted(signal.valid_signals())])
print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.set_wakeup_fd(-1))
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt as error:
    print("interrupted", repr(error))
read, write = os.pipe()
os.close(read)
try:
    os.write(write, b"x")
except BrokenPipeError as error:
    print(error)
os.kill(os.getpid(), signal.SIGTERM)
