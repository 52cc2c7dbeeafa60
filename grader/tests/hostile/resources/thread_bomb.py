# Threads count as processes do.
import threading

threads = 0
event = threading.Event()
try:
    while threads < 1000:
        threading.Thread(target=event.wait, daemon=True).start()
        threads += 1
except RuntimeError:
    pass
assert threads < 16, threads
print("contained")
