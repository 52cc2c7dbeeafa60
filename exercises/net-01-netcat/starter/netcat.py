"""One TCP connection, both directions at once: python3 netcat.py HOST PORT."""
import socket
import sys

CHUNK = 65536


def send_input(conn):
    """Standard input -> socket."""
    raise NotImplementedError


def print_answers(conn):
    """Socket -> standard output, until the peer ends."""
    raise NotImplementedError


def main():
    host, port = sys.argv[1:]
    with socket.socket() as conn:
        conn.connect((host, int(port)))
        send_input(conn)
        print_answers(conn)


if __name__ == "__main__":
    main()
