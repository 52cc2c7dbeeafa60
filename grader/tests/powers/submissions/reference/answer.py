import os
import socket
import sys
import threading
import urllib.request


def unix(name):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        connection, _ = listener.accept()
        while data := connection.recv(100):
            connection.sendall(data)


def datagrams(host, port):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind((host, int(port)))
        while True:
            sock.sendto(*sock.recvfrom(65535))


def write(*names):
    os.mkdir("out")
    for name in names:
        with open(name, "w") as file:
            file.write(name)


def work():
    import gate

    for number in "01":
        threading.Thread(target=gate.enter, args=number).start()


def fetch(url):
    sys.stdout.write(urllib.request.urlopen(url).read().decode())


def publish(port, word):
    import pika

    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(port)))
    connection.channel().basic_publish("", "words", word.encode())
    connection.close()


class Register:
    def __init__(self):
        self.value = 0

    def write(self, value):
        self.value = value

    def read(self):
        return self.value


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
