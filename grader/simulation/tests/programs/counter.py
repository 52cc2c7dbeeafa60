import os, random, socket, socketserver, sys, time

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            words = line.split()
            if words[0] == b"get":
                self.wfile.write(b"%d\n" % self.server.value)
            else:
                self.server.value = int(words[1])
                self.wfile.write(b"ok\n")

def ask(*words):
    with socket.create_connection(("server", 7000)) as connection, connection.makefile("rw") as file:
        print(*words, file=file, flush=True)
        return file.readline().strip()

if sys.argv[1] == "server":
    with socketserver.TCPServer(("0.0.0.0", 7000), Handler) as server:
        server.value = 0
        server.serve_forever()
else:
    for _ in range(3):
        time.sleep(random.random() / 100)
        value = int(ask("get"))
        ask("set", value + 1)
    print(ask("get"), os.urandom(4).hex(), sorted({"a", "b"}))
