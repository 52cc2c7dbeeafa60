# case: in-the-folder
# expect: wrong-answer
# says: is to be a file
# Whoever opens one of these to read it would wait for a writer.
import os
import sys

os.mkdir("out")
for name in sys.argv[2:]:
    os.mkfifo(name)
