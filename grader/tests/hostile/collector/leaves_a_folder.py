# reads: result nothing
# A folder where a file is expected.
import os

from attack import contained

os.makedirs("/work/result/in/result")
contained()
