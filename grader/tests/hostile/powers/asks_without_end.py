# case: on-the-web
# expect: wrong-answer
# A request whose line never ends, one whose headers never end, one whose body never comes, and noise.
import re
import socket
import sys

host, port = re.search(r"//([^:]+):(\d+)", sys.argv[2]).groups()
for request in (b"GET /" + b"x" * (1 << 20), b"GET /word HTTP/1.1\r\n" + b"X: y\r\n" * (1 << 17),
                b"POST /word HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"\0\xff" * 5000,
                b"GET /word HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", b"GET  \r\n\r\n" * 3000):
    with socket.create_connection((host, int(port))) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
