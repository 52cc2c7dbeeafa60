# The program that it runs in, and the libraries, are for reading.
import errno
import os

from attack import contained, fails

for path in ("/proc/self/exe", "/usr/bin/python3", "/usr/lib/python3.11/os.py", "/etc/ld.so.preload", "/etc/ld.so.cache", "/etc/hosts"):
    fails(lambda: os.open(path, os.O_WRONLY), errno.EACCES, errno.EROFS, errno.ETXTBSY, errno.ENOENT)
fails(lambda: os.open("/etc/ld.so.preload", os.O_CREAT | os.O_WRONLY), errno.EACCES, errno.EROFS)
contained()
