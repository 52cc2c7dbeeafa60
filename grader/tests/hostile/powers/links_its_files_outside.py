# case: in-the-folder
# expect: wrong-answer
# says: is to be a file
# Each file is a link to one that the grader could read and a program cannot.
import os
import sys

os.mkdir("out")
for name in sys.argv[2:]:
    os.symlink("/etc/shadow", name)
