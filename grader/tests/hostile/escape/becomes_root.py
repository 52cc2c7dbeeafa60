# No user to become, no capability to use, no set-uid program that works.
import os
import subprocess

assert os.getuid() == 1000
for act in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]), lambda: os.chown("/work", 0, 0), lambda: os.mknod("/work/null", 0o20666, os.makedev(1, 3))):
    try:
        act()
    except OSError:
        continue
    raise SystemExit("allowed")
assert "CapEff:\t0000000000000000" in open("/proc/self/status").read()
assert "NoNewPrivs:\t1" in open("/proc/self/status").read()
for program in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount"):
    if os.path.exists(program):
        subprocess.run([program, "-c", "id"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print("contained")
