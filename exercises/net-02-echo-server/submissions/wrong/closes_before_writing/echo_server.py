"""Reads all that there is, and closes without answering if the end is among it."""
import selectors
import socket
import sys

CHUNK = 65536


def serve_client(conn):
    waiting = b""
    conn.setblocking(False)
    try:
        while data := conn.recv(CHUNK):
            waiting += data
        raise ConnectionError("the client has ended")
    except BlockingIOError:
        conn.setblocking(True)
        conn.sendall(waiting)


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket() as listener, selectors.DefaultSelector() as clients:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
        clients.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in clients.select():
                if key.fileobj is listener:
                    clients.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                try:
                    serve_client(key.fileobj)
                except OSError as error:
                    print(f"client left: {error}", file=sys.stderr)
                    clients.unregister(key.fileobj)
                    key.fileobj.close()


if __name__ == "__main__":
    main()
