# case: in-the-folder
# expect: wrong-answer
# Folders in folders, deeper than any path may be.
import os

os.mkdir("out")
os.chdir("out")
try:
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
except OSError:
    pass
