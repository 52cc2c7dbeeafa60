# expect: runtime-error runtime-error
# Numbers whose hash is 0: to tell them apart takes the square of their number.
import json
import os
import struct

numbers = [factor * (2**61 - 1) for factor in range(40_000)]
head = json.dumps({"id": 1, "value": {"set": numbers}}).encode()
try:
    with open(3, "wb") as channel:
        channel.write(struct.pack(">III", len(head), 0, 0) + head)
except OSError:
    pass


def double(number):
    return 2 * number
