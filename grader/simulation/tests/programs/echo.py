import socket, sys

if sys.argv[1] == "server":
    with socket.create_server(("0.0.0.0", 7000)) as listener:
        while True:
            connection, address = listener.accept()
            with connection:
                while data := connection.recv(1024):
                    connection.sendall(data)
else:
    with socket.create_connection(("server", 7000)) as connection:
        for word in ["one", "two", "three"]:
            connection.sendall(word.encode())
            print(connection.recv(1024).decode())
        print(connection.getpeername(), connection.getsockname()[0])
        connection.shutdown(socket.SHUT_WR)
        print(connection.recv(1))
