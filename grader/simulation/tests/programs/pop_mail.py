import poplib, socketserver, sys

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"+OK pop\r\n")
        for line in self.rfile:
            command = line.split()[0].decode().upper()
            answers = {"STAT": "+OK 2 20", "LIST": "+OK\r\n1 10\r\n2 10\r\n.", "RETR": "+OK\r\nSubject: x\r\n\r\nbody\r\n."}
            self.wfile.write((answers.get(command, "+OK") + "\r\n").encode())
            if command == "QUIT":
                return

if sys.argv[1] == "server":
    socketserver.TCPServer(("", 110), Handler).serve_forever()
else:
    box = poplib.POP3("server")
    print(box.user("me"), box.pass_("secret"), box.stat())
    print(box.list()[1], box.retr(1)[1])
    box.quit()
