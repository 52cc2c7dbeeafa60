"""A line service: python3 server.py HOST PORT --mode MODE, or server.py --unix PATH --mode MODE."""
import argparse
import socket


def serve_session(conn):
    """Answers one client's lines until it ends. The same for every mode."""
    raise NotImplementedError


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host", nargs="?")
    parser.add_argument("port", nargs="?", type=int)
    parser.add_argument("--unix", metavar="PATH")
    parser.add_argument("--mode", choices=["serial", "thread", "fork"], required=True)
    arguments = parser.parse_args()
    listener = socket.create_server((arguments.host, arguments.port))
    while True:
        conn, _ = listener.accept()
        serve_session(conn)


if __name__ == "__main__":
    main()
