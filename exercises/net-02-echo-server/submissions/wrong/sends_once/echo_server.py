"""Takes the number that send() returns for granted."""
import selectors
import socket
import sys

CHUNK = 65536


def accept(listener, clients):
    conn, _ = listener.accept()
    conn.setblocking(False)
    clients.register(conn, selectors.EVENT_READ, serve_client)


def serve_client(conn, clients):
    try:
        if data := conn.recv(CHUNK):
            conn.send(data)
            return
    except BlockingIOError:
        return
    except OSError as error:
        print(f"client lost: {error}", file=sys.stderr)
    clients.unregister(conn)
    conn.close()


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket() as listener, selectors.DefaultSelector() as clients:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
        clients.register(listener, selectors.EVENT_READ, accept)
        while True:
            for key, _ in clients.select():
                key.data(key.fileobj, clients)


if __name__ == "__main__":
    main()
