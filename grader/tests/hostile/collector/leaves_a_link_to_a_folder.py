# reads: folder/result nothing
# Nor is what lies behind a link to a folder, even to one of its own.
import os

from attack import contained

os.mkdir("/work/real")
open("/work/real/result", "w").write("x")
os.symlink("real", "/work/folder")
contained()
