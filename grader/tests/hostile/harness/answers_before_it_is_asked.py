# expect: wrong-answer runtime-error
# The first answer, to the import itself, is forged: what should be a module is a number.
import json
import os
import struct

head = json.dumps({"id": 1, "value": 4}).encode()
try:
    os.write(3, struct.pack(">III", len(head), 0, 0) + head)
except OSError:
    pass


def double(number):
    return 2 * number
