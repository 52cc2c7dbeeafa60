"""Takes an encoded question mark for the query's."""
import os
import re
import socket
import sys
import threading
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import unquote

CHUNK = 65536
HEAD_BYTES_MAX = 65536
REQUEST_LINE = re.compile(r"([^ ]+) (/[^ ]*) (HTTP/1\.[01])")
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".txt": "text/plain",
    ".json": "application/json",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}


def heads(conn):
    """The head of each request on a connection. What has come of the next one stays in the buffer."""
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            data = conn.recv(CHUNK)
            if not data or len(buffer) > HEAD_BYTES_MAX:
                return
            buffer += data
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        yield head.decode("latin-1")


def find(root, target):
    """The file below root that a target names, or None."""
    path = unquote(target, errors="surrogateescape").partition("?")[0]
    if path.endswith("/"):
        path += "index.html"
    if "\0" in path:
        return None
    file = os.path.realpath(root + path)  # where it leads to, links and ".." and all
    return file if os.path.commonpath([root, file]) == root and os.path.isfile(file) else None


def is_unchanged(modified, since):
    """Whether a file of that time has not changed since the HTTP date `since`, which is in whole seconds."""
    try:
        return int(modified) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False


def respond(root, method, target, headers):
    """What to answer: status, headers, body."""
    if method not in ("GET", "HEAD"):
        return HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"}, b""
    path = find(root, target)
    if path is None:
        return HTTPStatus.NOT_FOUND, {"Content-Type": "text/plain"}, b"There is no such file.\n"
    with open(path, "rb") as file:
        modified = os.fstat(file.fileno()).st_mtime
        if is_unchanged(modified, headers.get("if-modified-since", "")):
            return HTTPStatus.NOT_MODIFIED, {}, b""
        kind = TYPES.get(os.path.splitext(path)[1], "application/octet-stream")
        return HTTPStatus.OK, {"Content-Type": kind, "Last-Modified": formatdate(modified, usegmt=True)}, file.read()


def send(conn, status, headers, body, with_body=True):
    if status != HTTPStatus.NOT_MODIFIED:
        headers = {**headers, "Content-Length": len(body)}
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join(lines) + "\r\n\r\n"
    conn.sendall(head.encode("latin-1") + (body if with_body else b""))


def serve_client(conn, root):
    """Answers the requests of one connection, in their order."""
    for head in heads(conn):
        line, *rest = head.split("\r\n")
        words = REQUEST_LINE.fullmatch(line)
        if not words:
            send(conn, HTTPStatus.BAD_REQUEST, {}, b"")
            return
        method, target, version = words.groups()
        pairs = (header.partition(":") for header in rest)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        send(conn, *respond(root, method, target, headers), with_body=method != "HEAD")
        if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            return


def run_client(conn, root):
    with conn:
        try:
            serve_client(conn, root)
        except OSError as error:  # this connection is over, the server is not
            print(f"client lost: {error}", file=sys.stderr)


def main():
    host, port, root = sys.argv[1], int(sys.argv[2]), os.path.realpath(sys.argv[3])
    with socket.create_server((host, port)) as listener:
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=run_client, args=[conn, root], daemon=True).start()


if __name__ == "__main__":
    main()
