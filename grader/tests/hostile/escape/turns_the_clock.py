# The clock is for reading.
import ctypes

from attack import contained, refused

refused(227, 0, ctypes.create_string_buffer(16))
refused(164, ctypes.create_string_buffer(16), 0)
refused(159, ctypes.create_string_buffer(208))
refused(305, 0, ctypes.create_string_buffer(208))
contained()
