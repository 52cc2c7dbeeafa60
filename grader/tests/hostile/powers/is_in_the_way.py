# case: in-the-folder
# expect: wrong-answer
# says: out/note
# A folder with something in it where the suite is going to write.
import os

os.makedirs("out/note/inside")
