# expect: wrong-answer runtime-error
import os


def double(number):
    found = []
    for folder, _, names in os.walk("/"):
        if folder.startswith("/proc") or folder.startswith("/usr"):
            continue
        found += [name for name in names if "suite" in name or name == "run.py"]
    return found or -1
