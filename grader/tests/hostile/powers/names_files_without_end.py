# case: in-the-folder
# expect: wrong-answer
# As many names as the folder holds, each as long as a name can be.
import itertools
import os

os.mkdir("out")
try:
    for number in itertools.count():
        open(f"out/{number:0250}", "w").close()
except OSError:
    pass
