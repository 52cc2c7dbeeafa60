"""Its daemon holds the lock of standard input's buffer when the interpreter wants to end."""
import socket
import sys
import threading

CHUNK = 65536


def send_input(conn):
    """Standard input -> socket; its end becomes our FIN."""
    try:
        while data := sys.stdin.buffer.read1(CHUNK):
            conn.sendall(data)
        conn.shutdown(socket.SHUT_WR)
    except OSError:  # the peer has gone; the other direction tells
        pass


def print_answers(conn):
    """Socket -> standard output, until the peer ends."""
    while data := conn.recv(CHUNK):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def main():
    host, port = sys.argv[1:]
    try:
        with socket.create_connection((host, port)) as conn:  # tries every address of host in turn
            threading.Thread(target=send_input, args=[conn], daemon=True).start()
            print_answers(conn)
    except OSError as error:
        sys.exit(f"netcat: {host} {port}: {error}")


if __name__ == "__main__":
    main()
