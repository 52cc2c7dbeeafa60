import socket, socketserver, sys

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(data.upper(), self.client_address)

if sys.argv[1] == "server":
    with socketserver.UDPServer(("0.0.0.0", 9999), Handler) as server:
        server.serve_forever()
else:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.sendto(b"hello", ("server", 9999))
    print(sock.recvfrom(1024))
    sock.connect(("server", 9999))
    sock.send(b"again")
    print(sock.recv(1024), sock.getpeername())
    sock.settimeout(0.5)
    try:
        sock.recv(1)
    except TimeoutError as error:
        print(repr(error))
