# Host files, other processes' files and the examiner's folders are not there to be opened.
import glob
import os

found = []
for path in ["/etc/shadow", "/root", "/home", "/var", "/proc/1/environ", "/proc/1/root/etc/shadow", "/proc/sys/kernel/hostname",
             "/proc/kcore", "/sys/fs/cgroup", "/dev/mem", "/dev/kmsg", "/run", "/work/suite.py"]:
    try:
        found += [path] if os.path.isfile(path) and open(path, "rb").read(1) or os.path.isdir(path) and os.listdir(path) else []
    except OSError:
        pass
found += glob.glob("/practicum/library/examiner/*")
assert found == [], found
print("contained")
