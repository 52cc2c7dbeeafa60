"""Takes every request apart in the main loop, where nobody catches what that raises."""
import argparse
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path

RRQ, WRQ, DATA, ACK, ERROR = range(1, 6)
BLOCK = 512
PACKET_MAX = 65507
TRIES = 50


class Refused(Exception):
    """A request that is answered with ERROR: its code and text."""


def error(code, text):
    return struct.pack("!HH", ERROR, code) + text.encode() + b"\0"


def parse(request):
    """The name that is asked for; ValueError for what is no request at all."""
    (opcode,) = struct.unpack_from("!H", request.ljust(2, b"\0"))
    if opcode not in (RRQ, WRQ):
        raise ValueError(f"opcode {opcode} asks for nothing")
    name, mode, _ = request[2:].split(b"\0", 2)  # what follows are options (RFC 2347), which nobody has to know
    if opcode == WRQ or mode.lower() != b"octet":
        raise Refused(4, "only reading in mode octet is offered")
    return os.fsdecode(name)


def read(root, name):
    """The content of a file below `root`."""
    path = Path(os.path.realpath(root / name))  # follows links, removes ".."; an absolute name replaces the root
    if not path.is_relative_to(root):
        raise Refused(2, "that is outside")
    try:
        return path.read_bytes()
    except OSError as reason:
        raise Refused(1, reason.strerror)


class Transfer:
    """One file on its way to one client, from a port of its own."""

    def __init__(self, sock, client, timeout):
        self.sock = sock
        self.client = client
        self.timeout = timeout

    def send(self, content):
        # The block that ends a transfer is shorter than 512 bytes, be it empty.
        for number in range(len(content) // BLOCK + 1):
            self.send_block(number + 1, content[number * BLOCK : (number + 1) * BLOCK])

    def send_block(self, number, payload):
        for _ in range(TRIES):
            self.sock.sendto(struct.pack("!HH", DATA, number) + payload, self.client)
            if self.is_acknowledged(number):
                return
        raise TimeoutError(f"nobody acknowledges block {number}")

    def is_acknowledged(self, number):
        """Waits for the ACK of this block; everything else, duplicates of older ACKs above all, changes nothing."""
        deadline = time.monotonic() + self.timeout
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                packet, sender = self.sock.recvfrom(PACKET_MAX)
            except TimeoutError:
                break
            if sender != self.client:
                self.sock.sendto(error(5, "this transfer is not yours"), sender)
            elif packet == struct.pack("!HH", ACK, number):
                return True
            elif packet[:2] == struct.pack("!H", ERROR) and len(packet) >= 4:
                raise ConnectionAbortedError(f"the client gave up: {packet[4:]}")
        return False


def serve(name, client, host, root, timeout):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))
            try:
                content = read(root, name)
            except Refused as refused:
                sock.sendto(error(*refused.args), client)
            else:
                Transfer(sock, client, timeout).send(content)
    except (OSError, ValueError) as reason:
        print(f"{client}: {reason}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("root", type=lambda text: Path(os.path.realpath(text)))
    parser.add_argument("--timeout", type=float, default=1.0)
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((options.host, options.port))
        while True:
            request, client = sock.recvfrom(PACKET_MAX)
            try:
                name = parse(request)
            except Refused as refused:
                sock.sendto(error(*refused.args), client)
                continue
            arguments = (name, client, options.host, options.root, options.timeout)
            threading.Thread(target=serve, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()
