"""Map-reduce, a worker: python3 worker.py HOST PORT."""
import json
import socket
import sys
import zlib


def partition(key, reducers):
    """The reduce task that gets this key."""
    return zlib.crc32(key.encode()) % reducers


def send(conn, **message):
    conn.sendall(json.dumps(message).encode() + b"\n")


def main():
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as conn:
        send(conn, op="ready")
        raise NotImplementedError


if __name__ == "__main__":
    main()
