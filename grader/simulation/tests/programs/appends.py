import os, sys, time

try:
    with open("log") as file:
        lines = file.read().splitlines()
except FileNotFoundError:
    lines = []
print("found", lines, flush=True)
with open("log", "a") as file:
    for number in range(len(lines), len(lines) + 10):
        file.write(f"{number}\n")
        file.flush()
        if number % 2 == 0 and sys.argv[1] == "syncs":
            os.fsync(file.fileno())
        time.sleep(1)
