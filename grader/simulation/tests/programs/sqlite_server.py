import socket, socketserver, sqlite3, sys

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            try:
                rows = self.server.db.execute(line.decode()).fetchall()
                self.server.db.commit()
                self.wfile.write(repr(rows).encode() + b"\n")
            except sqlite3.Error as error:
                self.wfile.write(f"{type(error).__name__}\n".encode())

if sys.argv[1] == "server":
    with socketserver.TCPServer(("", 5432), Handler) as server:
        server.db = sqlite3.connect(":memory:")
        server.serve_forever()
else:
    with socket.create_connection(("server", 5432)) as sock, sock.makefile("rw") as file:
        for query in ["create table t (a)", "insert into t values (1), (2)", "select sum(a) from t", "select nothing"]:
            print(query, file=file, flush=True)
            print(file.readline().strip())
