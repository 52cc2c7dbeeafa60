# reads: result nothing
# A pipe with a name, which would hold its reader up until somebody writes.
import os

from attack import contained

os.mkfifo("/work/result")
contained()
