import select, socket, sys

if sys.argv[1] == "server":
    listener = socket.create_server(("0.0.0.0", 7000))
    clients = []
    while True:
        for sock in select.select([listener, *clients], [], [])[0]:
            if sock is listener:
                clients.append(listener.accept()[0])
            elif data := sock.recv(1000):
                for other in clients:
                    if other is not sock:
                        other.sendall(data)
            else:
                clients.remove(sock)
                sock.close()
elif sys.argv[1] == "listener":
    with socket.create_connection(("server", 7000)) as sock:
        print(sock.makefile().readline().strip())
else:
    with socket.create_connection(("server", 7000)) as sock:
        sock.sendall(b"hello everybody\n")
