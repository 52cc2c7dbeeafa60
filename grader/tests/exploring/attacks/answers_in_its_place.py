# unstable: somebody else answered in the place of the scheduler
import json
import os
import struct

counts = {"threads": 1, "points": 9, "instructions": 9, "switches": 0, "preemptions": 0, "nanoseconds": 0}
ran = {"facts": [], "outcome": 4, "notes": [], "history": [], "threads": ["main"], "counts": counts, "tripped": []}
ready = json.dumps({"ready": {"sources": 1}}).encode()
head = json.dumps({"ran": {**ran, "uncontrolled": False, "spent": False, "events": []}}).encode()
os.write(3, struct.pack(">III", len(ready), 0, 0) + ready)
while True:
    order = os.read(3, 1 << 20)
    for _ in range(order.count(b"seed") + order.count(b"deviations")):
        os.write(3, struct.pack(">III", len(head), 2, 0) + head + b"\0\0")


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
