import hashlib, socket, sys

DATA = bytes(range(256)) * 8192

if sys.argv[1] == "server":
    with socket.create_server(("0.0.0.0", 7000)) as listener:
        connection, _ = listener.accept()
        with connection:
            hashed, buffer, length = hashlib.sha256(), bytearray(10_000), 0
            while count := connection.recv_into(buffer):
                hashed.update(memoryview(buffer)[:count])
                length += count
            connection.sendall(f"{length} {hashed.hexdigest()}".encode())
else:
    with socket.create_connection(("server", 7000)) as connection:
        connection.setblocking(False)
        sent, refused = 0, False
        while not refused:
            try:
                sent += connection.send(DATA[sent:])
            except BlockingIOError:
                refused = True
        connection.setblocking(True)
        connection.sendall(DATA[sent:])
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(100), b"")).decode()
        print(0 < sent < len(DATA), answer == f"{len(DATA)} {hashlib.sha256(DATA).hexdigest()}")
