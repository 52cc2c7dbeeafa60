"""Messages and lines out of a byte stream."""
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
    first = sock.recv(1)
    if not first:
        return None
    (length,) = HEADER.unpack(first + recv_exactly(sock, HEADER.size - 1))
    if length > LIMIT:
        raise FrameTooLarge(f"a header announces {length} bytes; at most {LIMIT} are allowed")
    return recv_exactly(sock, length)


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
