"""A TFTP server for reading (RFC 1350): python3 tftp_server.py HOST PORT ROOT [--timeout S]."""
import argparse
import socket
from pathlib import Path


def serve(request, client, root, timeout):
    """Answers one request, from a port of its own."""
    raise NotImplementedError


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("root", type=Path)
    parser.add_argument("--timeout", type=float, default=1.0)
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((options.host, options.port))
        while True:
            request, client = sock.recvfrom(1024)
            serve(request, client, options.root, options.timeout)


if __name__ == "__main__":
    main()
