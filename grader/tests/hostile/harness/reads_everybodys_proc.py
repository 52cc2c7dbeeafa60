# expect: wrong-answer runtime-error
import os
import re


def double(number):
    seen = b""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ", "maps", "stat", "status", "syscall", "stack", "wchan", "mountinfo"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    seen += file.read(1 << 20)
            except OSError:
                pass
    assert b"suite" not in seen and b"examiner" not in seen
    return max(map(int, re.findall(rb"\d{5,12}", seen)), default=None)
