"""A peer by the suite's will: it says what it is told to, and notes what it hears.

Arguments: its port, the address of the node that it talks to, and what to do, as JSON: {"says": [[seconds, text], ...], "notes": what,
"until": seconds}. Each character of a text is a byte. Seconds count from its start. What it notes of what it hears is "all", "nothing", or
"lives": the heartbeats that do not go on from the one before, of the same node.
"""

import json
import re
import socket
import sys
import time

import report

# Of a datagram, what is noted.
NOTED_MAX = 80


def main(port, target, plan):
    plan, begun = json.loads(plan), time.monotonic()
    host, _, target_port = target.rpartition(":")
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(("0.0.0.0", int(port)))
    is_noted = {"all": lambda data: True, "nothing": lambda data: False, "lives": Lives().begins}[plan["notes"]]
    for seconds, text in plan["says"]:
        hear(own, begun + seconds, is_noted)
        own.sendto(text.encode("latin-1"), (host, int(target_port)))
    hear(own, begun + plan["until"], is_noted)


class Lives:
    def __init__(self):
        # Of each node, life and number of the last heartbeat, by its name.
        self._last = {}

    def begins(self, data):
        beat = re.fullmatch(rb"beat (\S+) ([0-9]{1,18}) ([0-9]{1,18})\n", data)
        if beat is None:
            return True
        name, life, number = beat[1], int(beat[2]), int(beat[3])
        last_life, last_number = self._last.get(name, (0, 0))
        self._last[name] = life, number
        return life != last_life or number <= last_number


def hear(own, until, is_noted):
    while (left := until - time.monotonic()) > 0:
        own.settimeout(left)
        try:
            data, _ = own.recvfrom(1 << 16)
        except TimeoutError:
            return
        if is_noted(data):
            report.note("heard", data[:NOTED_MAX].decode("latin-1"))


main(*sys.argv[1:])
