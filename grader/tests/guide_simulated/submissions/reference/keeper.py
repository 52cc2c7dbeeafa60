"""Keeps the value that was set last, also when its machine loses power."""

import os
import socketserver
import sys

FILE = "kept.txt"


class Keeper(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode()
        if line.startswith("SET "):
            keep(line[4:].strip())
        self.wfile.write((kept() if line == "GET\n" else "").encode() + b"\n")


def keep(value):
    with open(FILE + ".new", "w", encoding="utf-8") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    os.replace(FILE + ".new", FILE)
    folder = os.open(".", os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def kept():
    if not os.path.exists(FILE):
        return ""
    with open(FILE, encoding="utf-8") as file:
        return file.read()


with socketserver.TCPServer(("", int(sys.argv[1])), Keeper) as server:
    server.serve_forever()
