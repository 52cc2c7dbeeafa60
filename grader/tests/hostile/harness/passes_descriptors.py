# expect: wrong-answer runtime-error
# Descriptors that no frame announces, more than the examiner may have open.
import os
import socket
import struct

promise = struct.pack(">III", 2, 1 << 20, 0)
try:
    with socket.socket(fileno=os.dup(3)) as channel:
        for byte in promise + bytes(400):
            socket.send_fds(channel, [bytes([byte])], [2] * 16)
    os.close(3)
except OSError:
    pass


def double(number):
    return 2 * number
