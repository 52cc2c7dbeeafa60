# expect: runtime-error runtime-error
import json
import os
import struct

head = json.dumps({"id": 1, "value": {}}).encode()
try:
    os.write(3, struct.pack(">III", len(head), 0, 0) + head)
    os.close(3)
except OSError:
    pass


def double(number):
    return 2 * number
