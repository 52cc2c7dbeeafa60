import socket
import sys


def double(number):
    return 2 * number


def serve(host, port):
    with socket.create_server((host, port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb", 0) as stream:
                for line in stream:
                    stream.write(b"%d\n" % len(line.rstrip(b"\n")))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
