"""Sends a line, reads one answer, and so on."""
import socket
import sys

CHUNK = 65536


def serve(conn):
    for line in sys.stdin.buffer:
        conn.sendall(line)
        sys.stdout.buffer.write(conn.recv(CHUNK))


def main():
    host, port = sys.argv[1:]
    try:
        with socket.create_connection((host, port)) as conn:
            serve(conn)
    except OSError as error:
        sys.exit(f"netcat: {host} {port}: {error}")


if __name__ == "__main__":
    main()
