"""Reads through a buffered file that is dropped with what it holds."""
import struct

LIMIT = 1 << 20
HEADER = struct.Struct("!I")


class FrameTooLarge(Exception):
    """A header announces more than 1 MiB."""


def send_message(sock, payload):
    """Sends the header and the payload."""
    if len(payload) > LIMIT:
        raise ValueError(f"a payload of {len(payload)} bytes; at most {LIMIT} are allowed")
    sock.sendall(HEADER.pack(len(payload)) + payload)


def recv_message(sock):
    """Returns the next payload, or None at the end."""
    stream = sock.makefile("rb")
    header = stream.read(HEADER.size)
    if not header:
        return None
    if len(header) < HEADER.size:
        raise EOFError("the stream ended inside a header")
    (length,) = HEADER.unpack(header)
    if length > LIMIT:
        raise FrameTooLarge(f"a header announces {length} bytes; at most {LIMIT} are allowed")
    payload = stream.read(length)
    if len(payload) < length:
        raise EOFError("the stream ended inside a message")
    return payload


def recv_exactly(sock, n):
    """Returns the next n bytes."""
    pieces, missing = [], n
    while missing:
        piece = sock.recv(min(missing, 65536))
        if not piece:
            raise EOFError(f"the stream ended {missing} bytes before the {n} that were asked for")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def lines(sock):
    """Yields the lines of a UTF-8 text without their newlines."""
    rest = b""
    while chunk := sock.recv(4096):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode()
    if rest:
        yield rest.decode()
