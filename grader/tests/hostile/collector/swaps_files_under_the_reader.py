# reads: result 4 or nothing
# A file that is a link to another one every other moment: read is the file or nothing.
import os

from attack import contained

open("/work/plain", "w").write("mine")
os.symlink("/etc/passwd", "/work/link")
if os.fork() == 0:
    while True:
        os.link("/work/plain", "/work/next")
        os.rename("/work/next", "/work/result")
        os.link("/work/link", "/work/next", follow_symlinks=False)
        os.rename("/work/next", "/work/result")
contained()
