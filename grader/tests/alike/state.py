# arguments: one --two=2 "" drei/ü
import builtins
import gc
import os
import sys

main = sys.modules["__main__"]
for name in ("argv", "orig_argv", "path", "meta_path", "path_hooks", "flags", "executable", "prefix", "dont_write_bytecode"):
    print(name, getattr(sys, name))
print(sorted(sys.modules))
print(sorted((name, type(value).__name__) for name, value in vars(main).items()))
print(__file__, __name__, __spec__, __loader__.path, __cached__, __builtins__ is builtins)
print(hash("hash"), sys.getrecursionlimit(), sys.getswitchinterval(), gc.get_threshold(), gc.isenabled())
print(sorted(vars(builtins)))
print(sorted(sys.path_importer_cache))
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.encoding, stream.errors, stream.line_buffering, stream.write_through, stream.seekable(), stream.isatty())
print(sys.stdin.buffer, sys.stdin is sys.__stdin__, sys.excepthook is sys.__excepthook__)
print(os.getcwd(), os.getpid() > 1, os.getppid(), os.getpgrp() == os.getsid(0) == os.getpid(), sorted(os.environ.items()))
print(open("/proc/self/cmdline").read().split("\0"), open("/proc/self/comm").read())
print(open("/proc/self/environ").read().split("\0"), os.readlink("/proc/self/exe"), os.listdir("/proc/self/fd"))
print([line for line in open("/proc/self/status") if line.startswith(("Sig", "Shd", "Cap", "NoNew", "Seccomp", "Threads", "Groups", "Uid"))])
print(open("/proc/self/limits").read())
print(sys._getframe().f_back, sys._getframe().f_code.co_filename, sys.gettrace(), sys.getprofile())
