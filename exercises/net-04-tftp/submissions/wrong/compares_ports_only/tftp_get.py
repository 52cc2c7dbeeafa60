"""Fetches one file by TFTP (RFC 1350): python3 tftp_get.py HOST PORT NAME OUT [--timeout S]."""
import argparse
import os
import socket
import struct
import sys
import time
from pathlib import Path

RRQ, DATA, ACK, ERROR = 1, 3, 4, 5
BLOCK = 512
PACKET_MAX = 65507
TRIES = 50


class Fetch:
    """One file on its way to us."""

    def __init__(self, sock, server, timeout):
        self.sock = sock
        self.server = server  # where the request goes
        self.sender = None  # where the data comes from: the server chooses that port
        self.timeout = timeout

    def run(self, name):
        content = bytearray()
        block = self.exchange(struct.pack("!H", RRQ) + os.fsencode(name) + b"\0octet\0", 1)
        content += block
        number = 1
        while len(block) == BLOCK:
            block = self.exchange(struct.pack("!HH", ACK, number), number + 1)
            content += block
            number += 1
        self.send(struct.pack("!HH", ACK, number))
        return bytes(content)

    def send(self, packet):
        self.sock.sendto(packet, self.sender or self.server)

    def exchange(self, packet, wanted):
        """Sends `packet` until it brings the block that is wanted."""
        for _ in range(TRIES):
            self.send(packet)
            block = self.receive(wanted)
            if block is not None:
                return block
        raise TimeoutError(f"block {wanted} does not come")

    def receive(self, wanted):
        """The payload of that block; None when it has not come in time."""
        deadline = time.monotonic() + self.timeout
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                packet, sender = self.sock.recvfrom(PACKET_MAX)
            except TimeoutError:
                break
            if not self.is_the_sender(sender):
                self.sock.sendto(struct.pack("!HH", ERROR, 5) + b"this transfer is not yours\0", sender)
                continue
            if len(packet) < 4:
                continue
            opcode, number = struct.unpack_from("!HH", packet)
            if opcode == ERROR:
                raise ConnectionAbortedError(f"error {number}: {packet[4:].rstrip(bytes(1)).decode(errors='replace')}")
            if opcode == DATA and number == wanted:
                self.sender = sender
                return packet[4:]
            if opcode == DATA and 0 < number < wanted:  # our ACK was lost, or late
                self.send(struct.pack("!HH", ACK, number))
        return None

    def is_the_sender(self, address):
        if self.sender is None:
            return address[0] == self.server[0]
        return address == self.sender


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host", type=socket.gethostbyname)
    parser.add_argument("port", type=int)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--timeout", type=float, default=1.0)
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            content = Fetch(sock, (options.host, options.port), options.timeout).run(options.name)
        except OSError as reason:
            sys.exit(f"{options.name}: {reason}")
    options.out.write_bytes(content)  # only now: half a file is worse than none


if __name__ == "__main__":
    main()
