# A file's number on the disk is no way to it.
import ctypes

from attack import contained, refused

refused(303, -100, b"/usr/bin", ctypes.create_string_buffer(200), ctypes.create_string_buffer(8), 0)
refused(304, -1, ctypes.create_string_buffer(200), 0)
contained()
