import time

for _ in range(5):
    print(round(time.monotonic_ns() / 1e9) % 1, time.strftime("%H:%M:%S", time.gmtime()), flush=True)
    time.sleep(1)
