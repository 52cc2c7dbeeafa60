"""A static web server for HTTP/1.0 and 1.1: python3 static_server.py HOST PORT ROOT."""
import socket
import sys

CHUNK = 65536


def find(root, target):
    """The file below root that a target names, or None."""
    raise NotImplementedError


def respond(root, method, target, headers):
    """What to answer: status, headers, body."""
    raise NotImplementedError


def serve_client(conn, root):
    """Answers the requests of one connection, in their order."""
    raise NotImplementedError


def main():
    host, port, root = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with socket.create_server((host, port)) as listener:
        while True:
            conn, _ = listener.accept()
            with conn:
                serve_client(conn, root)


if __name__ == "__main__":
    main()
