# case: on-the-queue
# expect: wrong-answer
# says: messages in the queue
# No greeting, half a greeting, frames that lie about their length, methods that there are not, tables in tables.
import socket
import sys

HELLO = b"AMQP\0\0\x09\x01"


def frame(kind, channel, payload, length=None):
    return bytes([kind]) + channel.to_bytes(2, "big") + (len(payload) if length is None else length).to_bytes(4, "big") + payload + b"\xce"


def nested(depth):
    table = b""
    for _ in range(depth):
        entry = b"\x01a" + b"F" + len(table).to_bytes(4, "big") + table
        table = entry
    return len(table).to_bytes(4, "big") + table


for words in (b"\0" * 100, HELLO[:5], b"GET / HTTP/1.1\r\n\r\n", HELLO + frame(1, 0, b"\xff" * 50), HELLO + frame(9, 0, b""),
              HELLO + frame(1, 0, b"\0\x0a\0\x0b", 0xFFFFFFFF), HELLO + frame(1, 65535, b"\0\x14\0\x0a\0"),
              HELLO + frame(1, 0, b"\0\x0a\0\x0b" + nested(2000)), HELLO + frame(2, 1, bytes(14)), HELLO + frame(3, 1, bytes(100000))):
    with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as connection:
        try:
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
