import errno, socket, sys, time

if sys.argv[1] == "server":
    with socket.create_server(("0.0.0.0", 7000)) as listener:
        try:
            socket.create_server(("0.0.0.0", 7000))
        except OSError as error:
            print(errno.errorcode[error.errno], flush=True)
        connection, _ = listener.accept()
        connection.close()
        time.sleep(100)
else:
    def attempt(what):
        begun = time.monotonic()
        try:
            print(what())
        except OSError as error:
            print(type(error).__name__, round(time.monotonic() - begun, 1))

    attempt(lambda: socket.create_connection(("server", 1)))
    attempt(lambda: socket.create_connection(("nobody", 1)))
    connection = socket.create_connection(("server", 7000), timeout=3)
    attempt(lambda: connection.recv(1))
    attempt(lambda: [connection.sendall(b"x") or time.sleep(1) for _ in range(3)])
    attempt(lambda: connection.getpeername())
    connection.close()
    attempt(lambda: connection.send(b"x"))
    attempt(lambda: socket.create_connection(("off", 7000), timeout=3))
