# reads: folder/result 1 or nothing
# A file that nobody may read, in a folder that nobody may enter, is read all the same: it is the grader's.
import os

from attack import contained

os.mkdir("/work/folder")
open("/work/folder/result", "w").write("x")
os.chmod("/work/folder/result", 0)
os.chmod("/work/folder", 0)
os.chmod("/work", 0)
contained()
