import selectors, socket, sys

kind = getattr(selectors, sys.argv[2])
if sys.argv[1] == "server":
    sel = kind()

    def accept(sock, mask):
        conn, addr = sock.accept()
        conn.setblocking(False)
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn, mask):
        data = conn.recv(1000)
        if data:
            conn.send(data)
        else:
            sel.unregister(conn)
            conn.close()

    sock = socket.socket()
    sock.bind(("0.0.0.0", 7000))
    sock.listen(100)
    sock.setblocking(False)
    sel.register(sock, selectors.EVENT_READ, accept)
    while True:
        for key, mask in sel.select():
            key.data(key.fileobj, mask)
else:
    sel = kind()
    for number in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("server", 7000))
        sel.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, [number, [b"a%d" % number, b"b%d" % number], b""])
    done = []
    while sel.get_map():
        for key, mask in sel.select(timeout=1):
            number, parts, got = key.data
            if mask & selectors.EVENT_READ:
                got = key.data[2] = got + key.fileobj.recv(1000)
                if len(got) == 4:
                    done.append(got)
                    sel.unregister(key.fileobj)
                    key.fileobj.close()
                    continue
            if mask & selectors.EVENT_WRITE:
                if parts:
                    key.fileobj.send(parts.pop(0))
                else:
                    sel.modify(key.fileobj, selectors.EVENT_READ, key.data)
    print(sorted(done))
