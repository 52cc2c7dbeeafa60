# reads: result 100
# A file as long as files may be: its reader takes what it wanted, and no more.
from attack import contained

open("/work/result", "w").truncate(64 << 20)
contained()
