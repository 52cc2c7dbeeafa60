# expect: wrong-answer wrong-answer
# Answers whoever connects, with whatever was right last time.
import socket
import sys


def double(number):
    return 8


if __name__ == "__main__":
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"20\n")
