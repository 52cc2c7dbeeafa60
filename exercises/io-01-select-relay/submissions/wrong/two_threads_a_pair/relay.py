"""Has two threads for each pair."""
import socket
import sys
import threading


def carry(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def serve(client, address):
    with client:
        try:
            target = socket.create_connection(address)
        except OSError:
            return
        with target:
            back = threading.Thread(target=carry, args=(target, client))
            back.start()
            carry(client, target)
            back.join()


def main():
    here, target = (sys.argv[1], int(sys.argv[2])), (sys.argv[3], int(sys.argv[4]))
    with socket.create_server(here, backlog=128) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, target), daemon=True).start()


if __name__ == "__main__":
    main()
