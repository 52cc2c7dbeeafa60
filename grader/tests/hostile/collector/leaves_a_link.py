# reads: result nothing
# A link to a file of the host is no file.
import os

from attack import contained

os.symlink("/etc/passwd", "/work/result")
contained()
