# Nothing but the work folder and the scratch folders can be written.
for path in ["/usr/bin/python3", "/usr/lib/python3.11/os.py", "/etc/passwd", "/new", "/practicum/library/shim/shim.py", "/proc/self/oom_score_adj"]:
    try:
        with open(path, "r+b" if path != "/new" else "wb") as file:
            file.write(b"-1000")
    except OSError:
        continue
    raise SystemExit(path)
open("/work/mine", "w").close()
open("/tmp/mine", "w").close()
print("contained")
