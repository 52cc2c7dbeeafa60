# reads: result nothing
# A link to itself.
import os

from attack import contained

os.symlink("result", "/work/result")
contained()
