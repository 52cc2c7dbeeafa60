# expect: runtime-error runtime-error
# Its text is within the cap of a frame as it is sent, and three times that as the examiner repeats it.
import json
import os
import struct

head = json.dumps({"id": 1, "raised": {"type": "ValueError", "text": "é" * 500_000}}, ensure_ascii=False).encode()
try:
    with open(3, "wb") as channel:
        channel.write(struct.pack(">III", len(head), 0, 0) + head)
except OSError:
    pass


def double(number):
    return 2 * number
