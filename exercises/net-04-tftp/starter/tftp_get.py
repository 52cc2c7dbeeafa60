"""Fetches one file by TFTP (RFC 1350): python3 tftp_get.py HOST PORT NAME OUT [--timeout S]."""
import argparse
import socket
import sys
from pathlib import Path


def fetch(sock, server, name, timeout):
    """The content of the file."""
    raise NotImplementedError


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--timeout", type=float, default=1.0)
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            content = fetch(sock, (options.host, options.port), options.name, options.timeout)
        except OSError as reason:
            sys.exit(f"{options.name}: {reason}")
    options.out.write_bytes(content)


if __name__ == "__main__":
    main()
