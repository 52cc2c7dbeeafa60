# There are no settings of the kernel to write, nor to see.
import errno
import os

from attack import contained, fails, refused

for path in ("sys/kernel/core_pattern", "sys/vm/overcommit_memory", "sysrq-trigger", "acpi", "irq", "timer_list", "sysvipc", "keys", "net"):
    fails(lambda: open(f"/proc/{path}", "w"), errno.ENOENT, errno.EISDIR, errno.EACCES)
assert not os.path.exists("/proc/sys")
refused(156, 0)
contained()
