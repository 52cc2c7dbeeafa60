# case: in-the-folder
# expect: wrong-answer
# says: in the program's work folder
# The folder that the suite looks into is a link to everything.
import os

os.symlink("/", "out")
