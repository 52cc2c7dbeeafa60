# expect: runtime-error runtime-error
# Writes into the dictionary of a built-in type, where Python itself lets nobody write.
import ctypes

methods = ctypes.py_object.from_address(id(int.__dict__) + 2 * ctypes.sizeof(ctypes.c_void_p)).value
methods["__eq__"] = lambda self, other: True
methods["bit_length"] = lambda self: 0
ctypes.pythonapi.PyType_Modified(ctypes.py_object(int))


def double(number):
    return number
