"""Sends everything from the port where it takes requests."""
import argparse
import os
import socket
import struct
from pathlib import Path

RRQ, WRQ, DATA, ACK, ERROR = range(1, 6)
BLOCK = 512


def read(root, request):
    name, mode, _ = request[2:].split(b"\0", 2)
    if request[:2] != struct.pack("!H", RRQ) or mode.lower() != b"octet":
        raise PermissionError(4)
    path = Path(os.path.realpath(root / os.fsdecode(name)))
    if not path.is_relative_to(root):
        raise PermissionError(2)
    try:
        return path.read_bytes()
    except OSError:
        raise PermissionError(1)


class Server:
    def __init__(self, sock, root, timeout):
        self.sock = sock
        self.root = root
        self.transfers = {}  # client: what is to be sent, and the number of the block that is under way
        sock.settimeout(timeout)

    def run(self):
        while True:
            try:
                packet, client = self.sock.recvfrom(65507)
            except TimeoutError:
                for client in self.transfers:
                    self.send_block(client)
                continue
            if len(packet) >= 4 and packet[0] == 0:
                self.handle(packet, client)

    def handle(self, packet, client):
        if packet[1] in (RRQ, WRQ):
            try:
                self.transfers[client] = [read(self.root, packet), 1]
                self.send_block(client)
            except PermissionError as refused:
                self.sock.sendto(struct.pack("!HH", ERROR, refused.args[0]) + b"no\0", client)
            except ValueError:
                pass
        elif client in self.transfers and packet == struct.pack("!HH", ACK, self.transfers[client][1]):
            content, number = self.transfers.pop(client)
            if number * BLOCK <= len(content):
                self.transfers[client] = [content, number + 1]
                self.send_block(client)

    def send_block(self, client):
        content, number = self.transfers[client]
        self.sock.sendto(struct.pack("!HH", DATA, number) + content[(number - 1) * BLOCK : number * BLOCK], client)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("root", type=lambda text: Path(os.path.realpath(text)))
    parser.add_argument("--timeout", type=float, default=1.0)
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((options.host, options.port))
        Server(sock, options.root, options.timeout).run()


if __name__ == "__main__":
    main()
