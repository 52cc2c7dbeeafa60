"""Never waits, keeps what cannot be passed on yet, and forgets the kept input when standard input ends."""
import os
import select
import socket
import sys

CHUNK = 65536


def serve(conn):
    """Both directions in one loop."""
    os.set_blocking(conn.fileno(), False)
    os.set_blocking(1, False)
    sources, up, down = [conn, 0], b"", b""
    while conn in sources or down:
        ready, writable, _ = select.select(sources, [conn] * bool(up) + [1] * bool(down), [])
        if conn in writable:
            up = up[conn.send(up) :]
        if 1 in writable:
            down = down[os.write(1, down) :]
        if conn in ready:
            data = conn.recv(CHUNK)
            down += data
            if not data:
                sources.remove(conn)
        if 0 in ready:
            data = os.read(0, CHUNK)
            up += data
            if not data:
                sources.remove(0)
                up = b""
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
