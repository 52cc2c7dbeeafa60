import os
import sys

with open("struct.py", "w") as file:
    file.write("print('written by the program itself')\n")
import struct

print(struct.__file__)
sys.path.insert(0, "/tmp")
with open("/tmp/json.py", "w") as file:
    file.write("print('found in another folder')\n")
import json

print(json.__file__)
os.remove("struct.py")
