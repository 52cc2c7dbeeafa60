# expect: wrong-answer wrong-answer
import socket
import sys


def double(number):
    return bytes(4 << 20) * 4


if __name__ == "__main__":
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
    while True:
        connection, _ = listener.accept()
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            pass
