"""Takes one recv for the whole conversation, as the first example of every tutorial does."""
import socket
import sys


def serve_client(conn):
    """Returns what one client sends, until the client ends."""
    conn.sendall(conn.recv(1024))


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
                try:
                    serve_client(conn)
                except OSError as error:  # this connection is over, the server is not
                    print(f"client lost: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
