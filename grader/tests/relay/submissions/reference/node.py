import socket
import sys


def datagrams(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, int(port)))
        while True:
            data, sender = sock.recvfrom(65536)
            sock.sendto(data, sender)


def stream(host, port):
    with socket.create_server((host, int(port))) as listener:
        while True:
            sock, _ = listener.accept()
            with sock:
                try:
                    while data := sock.recv(65536):
                        sock.sendall(data)
                except ConnectionError:
                    print("reset", flush=True)


def client(host, port):
    while True:
        with socket.create_connection((host, int(port))) as sock:
            try:
                sock.sendall(b"x" * 100)
                if len(sock.recv(100, socket.MSG_WAITALL)) == 100:
                    return print("echoed")
                print("ended", flush=True)
            except ConnectionError:
                print("reset", flush=True)


def talker(host, port, peer_host, peer_port):
    """Says its peer's address to it, and tells what it hears."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, int(port)))
        sock.sendto(f"{peer_host}:{peer_port}".encode(), (peer_host, int(peer_port)))
        data, sender = sock.recvfrom(100)
        print(data.decode(), *sender, flush=True)


{"datagrams": datagrams, "stream": stream, "client": client, "talker": talker}[sys.argv[1]](*sys.argv[2:])
