"""Tells which of its peers are up, by their heartbeats. Start: python3 node.py NAME HOST:PORT [PEER=HOST:PORT ...]"""

import socket
import sys


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main(name, listen, *others):
    # The address of each peer, by its name.
    peers = {peer: address(where) for peer, _, where in (other.partition("=") for other in others)}
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(address(listen))
    while True:
        # Here nothing is sent, and whatever comes is taken for a heartbeat. Begin here.
        data, _ = own.recvfrom(2048)
        word, peer, life, number = data.decode().split()
        print("up", peer, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
