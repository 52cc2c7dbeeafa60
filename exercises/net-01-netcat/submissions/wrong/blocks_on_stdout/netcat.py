"""Never waits for the peer to read, and yet for the reader of standard output."""
import os
import select
import socket
import sys

CHUNK = 65536


def serve(conn):
    """Both directions in one loop. What the peer does not take yet is kept."""
    conn.setblocking(False)
    kept = b""
    input_open = True
    while True:
        sources = [conn] + [0] * (input_open and not kept)
        ready, writable, _ = select.select(sources, [conn] if kept else [], [])
        if conn in ready:
            data = conn.recv(CHUNK)
            if not data:
                return
            os.write(1, data)
        if 0 in ready:
            kept = os.read(0, CHUNK)
            if not kept:
                input_open = False
                conn.shutdown(socket.SHUT_WR)
        if conn in writable:
            kept = kept[conn.send(kept) :]


def main():
    host, port = sys.argv[1:]
    try:
        with socket.create_connection((host, port)) as conn:
            serve(conn)
    except OSError as error:
        sys.exit(f"netcat: {host} {port}: {error}")


if __name__ == "__main__":
    main()
