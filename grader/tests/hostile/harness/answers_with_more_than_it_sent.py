# expect: runtime-error runtime-error
# One tail, and thousands of values that each claim nearly all of it.
import json
import os
import struct

tail = bytes(1 << 20)
head = json.dumps({"id": 1, "value": [{"bytes": [0, len(tail) - 1]}] * 30_000}).encode()
try:
    with open(3, "wb", closefd=False) as channel:
        channel.write(struct.pack(">III", len(head), len(tail), 0) + head + tail)
    os.close(3)
except OSError:
    pass


def double(number):
    return 2 * number
