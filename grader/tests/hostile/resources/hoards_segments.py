# expect: killed for memory
# And segments of System V, which outlive the process that made them, though not the sandbox.
import ctypes

from attack import call

shmat = ctypes.CDLL(None).shmat
shmat.restype = ctypes.c_void_p
while True:
    segment = call(29, 0, 4 << 20, 0o1600)
    ctypes.memset(shmat(segment, None, 0), 1, 4 << 20)
