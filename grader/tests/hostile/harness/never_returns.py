# expect: deadlock deadlock
import socket
import sys
import threading


def double(number):
    threading.Lock().acquire()
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


if __name__ == "__main__":
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
    connection, _ = listener.accept()
    while True:
        connection.recv(100)
        double(1)
