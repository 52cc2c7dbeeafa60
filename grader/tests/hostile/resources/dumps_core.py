# expect: signal 6
import os

os.chdir("/work")
os.abort()
