"""An echo server: python3 echo_server.py HOST PORT."""
import socket
import sys


def serve_client(conn):
    """Returns what one client sends, until the client ends."""
    raise NotImplementedError


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket() as listener:
        listener.bind((host, port))
        listener.listen()
        conn, _ = listener.accept()
        with conn:
            serve_client(conn)


if __name__ == "__main__":
    main()
