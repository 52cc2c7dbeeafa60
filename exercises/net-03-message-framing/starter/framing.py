"""Messages and lines out of a byte stream."""
import struct

LIMIT = 1 << 20


class FrameTooLarge(Exception):
    """A header announces more than 1 MiB."""


def send_message(sock, payload):
    """Sends the header and the payload."""
    sock.send(struct.pack("!I", len(payload)) + payload)


def recv_message(sock):
    """Returns the next payload, or None at the end."""
    raise NotImplementedError


def recv_exactly(sock, n):
    """Returns the next n bytes."""
    raise NotImplementedError


def lines(sock):
    """Yields the lines of a UTF-8 text without their newlines."""
    raise NotImplementedError
