"""Every heartbeat counts, also a copy and one that was overtaken on its way."""

import os
import re
import select
import socket
import sys
import time

# Seconds: between two heartbeats, of silence until a peer counts as down, and how much longer after that was wrong.
PERIOD = 0.5
TIMEOUT = 3.0
STEP = 2.0

BEAT = re.compile(rb"beat (\S+) ([0-9]{1,18}) ([0-9]{1,18})\n")


class Peer:
    """What its heartbeats tell of a peer."""

    def __init__(self, name):
        self._name = name
        self._is_up = False
        # Life and number of the newest heartbeat, and when it was read.
        self._newest = (0, 0)
        self._heard_at = None
        self._timeout = TIMEOUT

    def heard(self, life, number, now):
        if life == self._newest[0]:
            if not self._is_up:
                # It was there all the time.
                self._timeout += STEP
        elif self._is_up:
            # It ended and is back already.
            self._turns(False)
        if not self._is_up:
            self._turns(True)
        self._newest, self._heard_at = (life, number), now

    def look(self, now):
        if self._is_up and now - self._heard_at >= self._timeout:
            self._turns(False)

    def _turns(self, is_up):
        self._is_up = is_up
        print("up" if is_up else "down", self._name, flush=True)


def begin_life(path):
    """One more than the life before. It is on the disk before anybody hears of it."""
    life = 1
    if os.path.exists(path):
        with open(path) as file:
            life += int(file.read())
    # Never half a number under the right name.
    with open(f"{path}.new", "w") as file:
        file.write(f"{life}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
    folder = os.open(".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return life


def beats(own):
    """(name, life, number) of all heartbeats that have come."""
    while True:
        try:
            data, _ = own.recvfrom(2048)
        except BlockingIOError:
            return
        except OSError:
            # Some systems tell by this that an earlier datagram found nobody.
            continue
        if beat := BEAT.fullmatch(data):
            yield beat[1].decode("latin-1"), int(beat[2]), int(beat[3])


def send(own, text, target):
    try:
        own.sendto(text.encode(), target)
    except OSError:
        # As good as lost on its way.
        pass


def address(text):
    host, _, port = text.rpartition(":")
    return socket.getaddrinfo(host, int(port), socket.AF_INET, socket.SOCK_DGRAM)[0][4]


def main(name, listen, *others):
    targets = {peer: address(where) for peer, _, where in (other.partition("=") for other in others)}
    peers = {peer: Peer(peer) for peer in targets}
    life, number = begin_life(f"{name}.life"), 0
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(address(listen))
    own.setblocking(False)
    due = time.monotonic()
    while True:
        select.select([own], [], [], max(0, due - time.monotonic()))
        # First everything that has come, then who is missing: this process may have been stopped for a while.
        for peer, *beat in beats(own):
            if peer in peers:
                peers[peer].heard(*beat, time.monotonic())
        now = time.monotonic()
        for peer in peers.values():
            peer.look(now)
        if now >= due:
            number += 1
            for target in targets.values():
                send(own, f"beat {name} {life} {number}\n", target)
            due = now + PERIOD


if __name__ == "__main__":
    main(*sys.argv[1:])
