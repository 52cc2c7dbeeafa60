import imaplib, socketserver, sys

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"* OK imap\r\n")
        for line in self.rfile:
            tag, command = line.decode().split()[:2]
            extra = {"CAPABILITY": "* CAPABILITY IMAP4REV1\r\n", "SELECT": "* 3 EXISTS\r\n", "SEARCH": "* SEARCH 1 3\r\n"}
            self.wfile.write(f"{extra.get(command, '')}{tag} OK done\r\n".encode())
            if command == "LOGOUT":
                return

if sys.argv[1] == "server":
    socketserver.TCPServer(("", 143), Handler).serve_forever()
else:
    with imaplib.IMAP4("server") as box:
        print(box.login("me", "secret")[0], box.select(), box.search(None, "ALL"))
