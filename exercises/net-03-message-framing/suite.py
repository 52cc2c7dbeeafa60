"""Framing over one end of a TCP connection, of which the suite holds the other end.

What must be split is sent in an order that only the reader can bring about: a byte goes out when the reader has taken the one before
and waits again. What must be seen after a message is peeked at in the socket by a driver. A socket with a time-out and a small send
buffer is what makes a partial send visible: a blocking send() on Linux queues everything.
"""

import struct

from practicum import Raised

KIB = 1024
MIB = 1024 * KIB
#: Characters of one, two, three and four bytes in UTF-8.
ALPHABET = "aZ9é߿Ж€漢字😀🧵"


def sizes(exam):
    framing = exam.load("framing.py")
    lengths = [0, 1, 65535, 65536, MIB]
    exam.random.shuffle(lengths)
    for length in lengths:
        payload = exam.random.randbytes(length)
        peer, sock = exam.pair()
        with exam.during(f"send_message of {length} bytes"):
            sending = exam.background(framing.send_message, sock, payload)
            exam.equal(peer.read_exactly(4 + length), frame(payload), "header and payload on the wire")
            sending.result()
        with exam.during(f"recv_message when a message of {length} bytes comes"):
            receiving = exam.background(framing.recv_message, sock)
            peer.send(frame(payload))
            exam.equal(receiving.result(), payload, "the payload")


def drip_header(exam):
    framing = exam.load("framing.py")
    for length in (1, 9):
        payload = exam.random.randbytes(length)
        peer, sock = exam.pair()
        with exam.during(f"a message of {length} bytes came one byte at a time, {frame(payload)!r}"):
            receiving = exam.background(framing.recv_message, sock)
            drip(exam, peer, frame(payload), receiving)
            exam.equal(receiving.result(), payload, "what recv_message returned")


def coalesced(exam):
    framing = exam.load("framing.py")
    payloads = [exam.random.randbytes(exam.random.randint(3, 40)) for _ in range(3)]
    peer, sock = exam.pair()
    peer.send(b"".join(map(frame, payloads)))
    peer.end()
    for number, payload in enumerate(payloads, 1):
        with exam.during(f"three messages came in one segment; call {number} of recv_message"):
            exam.equal(framing.recv_message(sock), payload, f"message {number}")


def short_send(exam):
    framing = exam.load("framing.py")
    payload = exam.random.randbytes(64 * KIB)
    peer, sock = exam.pair(send_buffer=4 * KIB, timeout=30)
    with exam.during("send_message of 64 KiB through a send buffer of 4 KiB"):
        sending = exam.background(framing.send_message, sock, payload)
        exam.equal(peer.read_exactly(4 + len(payload)), frame(payload), "header and payload on the wire")
        sending.result()


def eof_kinds(exam):
    framing = exam.load("framing.py")
    payload = exam.random.randbytes(20)
    whole = frame(payload)

    with exam.during("the stream ended before any message"):
        exam.equal(framing.recv_message(ended(exam, b"")), None, "what recv_message returned")
    with exam.during("one message came, then the end of the stream"):
        sock = ended(exam, whole)
        exam.equal(framing.recv_message(sock), payload, "the first call of recv_message")
        exam.equal(framing.recv_message(sock), None, "the second call of recv_message")
    for cut in (1, 3, 4, exam.random.randint(5, 22), 23):
        inside = f"the stream ended after {cut} of the {len(whole)} bytes of a message; recv_message"
        broken(exam, inside, framing.recv_message, ended(exam, whole[:cut]))
    sock = ended(exam, whole)
    exam.equal(framing.recv_exactly(sock, 10), whole[:10], "recv_exactly(sock, 10) with 24 bytes there")
    broken(exam, "the stream ended after 14 more bytes; recv_exactly(sock, 15)", framing.recv_exactly, sock, 15)


def oversize(exam):
    framing = exam.load("framing.py")
    for length in (MIB + 1, exam.random.randint(2 * MIB, 2**31), 2**32 - 1):
        body = exam.random.randbytes(50)
        sock = ended(exam, struct.pack("!I", length) + body)
        with exam.during(f"a header announced {length} bytes, 50 bytes and the end of the stream followed"):
            after = exam.drive("drivers/beside.py:refused_then_rest", module="framing.py", sock=sock, count=100)
            exam.equal(after["seen"], "FrameTooLarge", "what recv_message raised or returned")
            exam.equal(after["rest"], body, "what was still in the socket")

    peer, sock = exam.pair()
    exam.raises("ValueError", framing.send_message, sock, bytes(MIB + 1))
    small = exam.random.randbytes(7)
    framing.send_message(sock, small)
    what = "after a payload of 1 MiB + 1 byte was refused, the next message is the first thing on the wire"
    exam.equal(peer.read_exactly(4 + len(small)), frame(small), what)


def utf8_split(exam):
    framing = exam.load("framing.py")
    first, second, third = ("".join(exam.random.sample(ALPHABET, len(ALPHABET))) for _ in range(3))
    second_begun, second_rest = cut_inside_a_character(exam, second)
    third_begun, third_rest = cut_inside_a_character(exam, third)
    peer, sock = exam.pair()
    got = exam.iterate(framing.lines(sock))

    peer.send(first.encode() + b"\n" + second_begun)
    exam.equal(next(got), first, "a segment held a line, its newline and the next line up to the middle of a character")
    peer.send(second_rest + b"\n\n" + third_begun)
    exam.equal(next(got), second, "a segment held the rest of that character and line, an empty line, and half a character more")
    exam.equal(next(got), "", "the empty line after it")
    peer.send(third_rest)
    peer.end()
    exam.equal(next(got), third, "the last line, without a newline, and the end of the stream")
    nothing_more(exam, got, "the last line had come")

    got = exam.iterate(framing.lines(ended(exam, third.encode() + b"\n")))
    exam.equal(next(got), third, "the only line of a text that ends with a newline")
    nothing_more(exam, got, "the only line had come, and a newline was the end of it")


def no_over_read(exam):
    payload, rest = exam.random.randbytes(12), exam.random.randbytes(30)
    with exam.during("recv_message with 30 further bytes behind the message"):
        sock = ended(exam, frame(payload) + rest)
        after = exam.drive("drivers/beside.py:message_then_rest", module="framing.py", sock=sock, count=100)
        exam.equal(after["message"], payload, "what it returned")
        exam.equal(after["rest"], rest, "what was still in the socket")
    with exam.during("recv_exactly(sock, 12) with 30 further bytes behind them"):
        sock = ended(exam, payload + rest)
        after = exam.drive("drivers/beside.py:exactly_then_rest", module="framing.py", sock=sock, n=12, count=100)
        exam.equal(after["data"], payload, "what it returned")
        exam.equal(after["rest"], rest, "what was still in the socket")


def frame(payload):
    return struct.pack("!I", len(payload)) + payload


def ended(exam, data):
    """The student's end of a connection whose other end sent `data` and its FIN."""
    peer, sock = exam.pair()
    peer.send(data)
    peer.end()
    return sock


def drip(exam, peer, data, reading):
    """A byte goes out when the reader has taken the one before and waits; no more once it has returned or raised."""
    for byte in data:
        if reading.done():
            return
        peer.send(bytes([byte]))
        exam.quiet()


def broken(exam, what, call, *arguments):
    try:
        got = call(*arguments)
    except Raised as error:
        assert "EOFError" in error.bases, f"{what} must raise EOFError; it raised {error.said}"
    else:
        exam.fail(f"{what} must raise EOFError; it returned {got!r:.200}")


def cut_inside_a_character(exam, text):
    """The UTF-8 bytes of `text` in two parts, with a character of two to four bytes across the cut."""
    at = exam.random.choice([i for i, character in enumerate(text) if len(character.encode()) > 1])
    cut = len(text[:at].encode()) + exam.random.randint(1, len(text[at].encode()) - 1)
    return text.encode()[:cut], text.encode()[cut:]


def nothing_more(exam, got, when):
    try:
        more = next(got)
    except StopIteration:
        return
    exam.fail(f"lines yielded {more!r} after {when}")
