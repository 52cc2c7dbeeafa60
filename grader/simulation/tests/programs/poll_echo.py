import select, socket, sys

if sys.argv[1] == "server":
    listener = socket.create_server(("0.0.0.0", 7000))
    listener.setblocking(False)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    by_number = {listener.fileno(): listener}
    while True:
        for number, event in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                by_number[connection.fileno()] = connection
                poll.register(connection, select.POLLIN)
            elif event & select.POLLIN:
                data = by_number[number].recv(100)
                if data:
                    by_number[number].sendall(data.upper())
                else:
                    poll.unregister(number)
                    by_number.pop(number).close()
else:
    with socket.create_connection(("server", 7000)) as connection:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        print(poll.poll(500))
        connection.sendall(b"hello")
        print([event == select.POLLIN for _, event in poll.poll(500)], connection.recv(100))
        readable, writable, _ = select.select([connection], [connection], [], 0.5)
        print(readable, writable == [connection])
