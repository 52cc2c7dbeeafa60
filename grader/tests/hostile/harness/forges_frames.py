# expect: wrong-answer runtime-error
# Answers calls that have not been asked, on every descriptor.
import json
import os
import struct

for number in range(1, 6):
    for wanted in range(1, 5):
        head = json.dumps({"id": wanted, "value": {"handle": 0, "type": "module"}}).encode()
        frame = struct.pack(">III", len(head), 0, 0) + head
        try:
            os.write(number, frame)
        except OSError:
            pass


def double(number):
    return 4
