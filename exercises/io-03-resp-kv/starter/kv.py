"""A store that speaks RESP2 to many clients: python3 kv.py HOST PORT."""
import selectors
import socket
import sys


class Parser:
    """Takes the bytes of one client in any pieces and gives back whole commands."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        """The commands that are whole now, each a list of bytes."""
        self.buffer += data
        raise NotImplementedError


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    selector = selectors.DefaultSelector()
    listener = socket.create_server((host, port), backlog=128)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    parsers = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                sock, _ = listener.accept()
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ)
                parsers[sock] = Parser()
            else:
                for words in parsers[key.fileobj].feed(key.fileobj.recv(65536)):
                    print("to do:", words)


if __name__ == "__main__":
    main()
