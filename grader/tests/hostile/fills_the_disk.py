# The work folder has a size and a number of files.
import errno

for fill in (lambda: [file.write(bytes(1 << 20)) for file in [open("/work/big", "wb", buffering=0)] for _ in range(100)],
             lambda: [open(f"/work/{number}", "w").close() for number in range(100_000)],
             lambda: [file.write(bytes(1 << 20)) for file in [open("/dev/shm/big", "wb", buffering=0)] for _ in range(100)]):
    try:
        fill()
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
        continue
    raise SystemExit("no limit")
print("contained")
