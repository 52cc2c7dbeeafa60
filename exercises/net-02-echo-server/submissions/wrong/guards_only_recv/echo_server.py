"""Expects a reset from recv and not from sendall."""
import socket
import sys

CHUNK = 65536


def serve_client(conn):
    """Returns what one client sends, until the client ends."""
    while True:
        try:
            data = conn.recv(CHUNK)
        except ConnectionResetError:
            return
        if not data:
            return
        conn.sendall(data)


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
        while True:
            try:
                conn, _ = listener.accept()
            except ConnectionAbortedError:  # the client left between its SYN and our accept
                continue
            with conn:
                serve_client(conn)


if __name__ == "__main__":
    main()
