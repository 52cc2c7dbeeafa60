import socket, socketserver, sys

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.strip()[::-1] + b"\n")

if sys.argv[1] == "server":
    with socketserver.TCPServer(("", 9999), Handler) as server:
        server.serve_forever()
else:
    with socket.create_connection(("server", 9999)) as sock, sock.makefile("rw", newline="\n") as file:
        for word in sys.argv[2:]:
            print(word, file=file, flush=True)
            print(file.readline(), end="")
