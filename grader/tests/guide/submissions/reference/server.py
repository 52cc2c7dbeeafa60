"""An echo server: `threads HOST PORT`, `forks HOST PORT` or `unix NAME`."""

import os
import signal
import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except ConnectionError:
            pass


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


class Forks(socketserver.ForkingTCPServer):
    allow_reuse_address = True


def main(mode, *address):
    if mode == "unix":
        signal.signal(signal.SIGTERM, lambda *_: (os.unlink(address[0]), os._exit(0)))
        server = socketserver.ThreadingUnixStreamServer(address[0], Echo)
    else:
        server = {"threads": Threads, "forks": Forks}[mode]((address[0], int(address[1])), Echo)
    if mode == "forks":
        signal.signal(signal.SIGCHLD, lambda *_: server.collect_children())
    server.serve_forever()


main(*sys.argv[1:])
