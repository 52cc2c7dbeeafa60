# expect: runtime-error runtime-error
import os
import struct

head = b'{"id": 1, "value": {"handle": 1e999, "type": "module"}}'
try:
    os.write(3, struct.pack(">III", len(head), 0, 0) + head)
    os.close(3)
except OSError:
    pass


def double(number):
    return 2 * number
