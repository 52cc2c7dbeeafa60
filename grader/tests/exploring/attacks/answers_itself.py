# unstable: somebody else answered in the place of the scheduler
import json
import os
import struct

counts = dict.fromkeys(["threads", "points", "instructions", "switches", "preemptions", "nanoseconds"], 9)
ran = {"facts": [], "outcome": 4, "notes": [], "history": [], "threads": ["main"], "counts": counts, "tripped": []}
head = json.dumps({"ran": {**ran, "uncontrolled": False, "spent": False, "events": []}}).encode()
os.write(3, struct.pack(">III", len(head), 2, 0) + head + b"\0\0")


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
