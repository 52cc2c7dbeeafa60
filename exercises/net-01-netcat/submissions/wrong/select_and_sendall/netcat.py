"""One loop, and a sendall() in it that waits for the peer."""
import os
import select
import socket
import sys

CHUNK = 65536


def serve(conn):
    """Both directions by turns, as each has something to read."""
    sources = [conn, 0]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if conn in ready:
            data = conn.recv(CHUNK)
            if not data:
                return
            os.write(1, data)
        if 0 in ready:
            data = os.read(0, CHUNK)
            if data:
                conn.sendall(data)
            else:
                sources.remove(0)
                conn.shutdown(socket.SHUT_WR)


def main():
    host, port = sys.argv[1:]
    try:
        with socket.create_connection((host, port)) as conn:
            serve(conn)
    except OSError as error:
        sys.exit(f"netcat: {host} {port}: {error}")


if __name__ == "__main__":
    main()
