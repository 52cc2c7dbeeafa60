# expect: killed for memory
# Messages that nobody takes are counted as well.
import ctypes

from attack import call

message = ctypes.create_string_buffer(b"\1" + bytes(8 + 8000))
while True:
    queue = call(68, 0, 0o1600)
    assert queue >= 0, "no more queues"
    while call(69, queue, message, 8000, 0o4000) == 0:
        pass
