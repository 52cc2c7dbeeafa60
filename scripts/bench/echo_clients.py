"""What the suite of net-02-echo-server says to a server, by plain sockets: the same bytes in the same order.

One function a case. `start()` starts a server process and returns (address, process). The waits for kernel facts that
the suite makes are left out: the comparison is to be with the quickest honest script, not with a copy of the examiner.
"""

import random
import socket
import struct
import threading

MIB = 1 << 20
CHUNK = 64 << 10
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]
SEED = random.Random(2)


def token(length):
    return SEED.randbytes(length).translate(LETTERS)


def text(length):
    return token(length - 1) + b"\n"


def read_exactly(peer, length):
    data = bytearray()
    while len(data) < length:
        more = peer.recv(min(CHUNK, length - len(data)))
        assert more, f"the server ended after {len(data)} of {length} bytes"
        data += more
    return bytes(data)


def exchange(address, line):
    """Send, FIN, read to the end."""
    with socket.create_connection(address) as peer:
        peer.sendall(line)
        finish(peer, line)


def finish(peer, sent):
    peer.shutdown(socket.SHUT_WR)
    assert read_exactly(peer, len(sent)) == sent
    assert peer.recv(1) == b""


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def echo_at_once(start):
    with socket.create_connection(start()[0]) as peer:
        for line in (text(13) for _ in range(5)):
            peer.sendall(line)
            assert read_exactly(peer, len(line)) == line


def no_newline(start):
    with socket.create_connection(start()[0]) as peer:
        for chunk in map(token, (1, 30, 5)):
            peer.sendall(chunk)
            assert read_exactly(peer, len(chunk)) == chunk


def binary(start):
    every = bytes(SEED.sample(range(256), 256))
    pieces = [every[:100], b" ", b"\r\n", b"\0", b"\n\n\n", b"\t", every[100:], b"\xff\xfe\xc3", token(8)]
    with socket.create_connection(start()[0]) as peer:
        for piece in pieces:
            peer.sendall(piece)
        finish(peer, b"".join(pieces))


def half_close_flush(start):
    address, _ = start()
    with socket.create_connection(address) as peer:
        tail = token(20)
        for byte in tail:
            peer.sendall(bytes([byte]))
        finish(peer, tail)
    with socket.create_connection(address) as first, socket.create_connection(address) as second:
        line, everything = text(13), text(40 << 10)
        first.sendall(line)
        second.sendall(everything)
        second.shutdown(socket.SHUT_WR)
        finish(first, line)
        assert read_exactly(second, len(everything)) == everything
    exchange(address, text(13))


def twenty_in_turn(start):
    address, _ = start()
    for _ in range(20):
        exchange(address, text(13))


def say_nothing(start):
    address, _ = start()
    exchange(address, b"")
    exchange(address, text(13))
    socket.create_connection(address).close()
    exchange(address, text(13))


def resets(start):
    address, _ = start()
    for length in (13, 100, CHUNK):
        peer = socket.create_connection(address)
        peer.sendall(text(length))
        reset(peer)
        exchange(address, text(13))


def rebind(start):
    address, process = start()
    with socket.create_connection(address) as peer:
        peer.sendall(text(13))
        process.kill()
        process.wait()
    exchange(start()[0], text(13))


def slow_reader(start):
    much = text(4 * MIB)
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 10)
        peer.connect(start()[0])
        sender = threading.Thread(target=peer.sendall, args=(much,))
        sender.start()
        assert read_exactly(peer, len(much)) == much
        sender.join()


def flat_memory(start):
    address, process = start()
    with socket.create_connection(address) as peer:
        pump(peer, MIB)
        before = peak_bytes(process.pid)
        pump(peer, 32 * MIB)
    assert peak_bytes(process.pid) - before <= 16 * MIB


def pump(peer, total):
    for _ in range(0, total, CHUNK):
        chunk = text(CHUNK)
        peer.sendall(chunk)
        assert read_exactly(peer, CHUNK) == chunk


def peak_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


CASES = [
    echo_at_once, no_newline, binary, half_close_flush, twenty_in_turn,
    say_nothing, resets, rebind, slow_reader, flat_memory,
]
