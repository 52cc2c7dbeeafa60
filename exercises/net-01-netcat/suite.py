"""Both ends of a program that connects: its standard streams, and the peer that it talks to.

Whatever one end is given must come out at the other, and the suite waits for just that. Nothing is ever asserted about how soon: a
program that holds something back is found because then nothing at all goes on. An ordinary exchange does without an end of any kind,
so that only the cases that are about ends see how a program deals with them.

`full_duplex` must not ask for buffers without end. It blocks one direction until the program takes no more into it, as the kernel
tells, or has taken all there is; then the other direction must still flow. A program that keeps everything for later passes too.
"""

KIB = 1024
MIB = 1024 * KIB
CHUNK = 64 * KIB
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]
HOST = "127.0.0.1"
MIRROR = "mirror.test"
MIRROR_HOSTS = ("127.0.0.2", "127.0.0.3")
# Numbers that the kernel gives to no client: a connection to a port of its own could connect to itself.
QUIET_PORTS = range(20000, 30000)


def server_first(exam):
    netcat, peer = connected(exam)
    with exam.during("the peer greets first, and nothing has come by standard input yet"):
        for greeting in (text(exam, 30), token(exam, 7)):
            says(exam, netcat, peer, greeting, "the greeting")
    with exam.during("after the greeting, a line comes by standard input"):
        asks(exam, netcat, peer, text(exam, 13), "the line")


def roundtrip(exam):
    netcat, peer = connected(exam)
    for turn in range(1, 4):
        with exam.during(f"turn {turn}, a line by standard input and an answer of three lines, each when the one before was printed"):
            asks(exam, netcat, peer, text(exam, 20), "the line")
            for number in range(1, 4):
                says(exam, netcat, peer, text(exam, 10 * number), f"line {number} of the answer")
    with exam.during("three lines came by standard input at once"):
        asks(exam, netcat, peer, text(exam, 5) + text(exam, 20) + text(exam, 9), "the three lines")
        says(exam, netcat, peer, text(exam, 12), "the answer")


def half_close(exam):
    netcat, peer = connected(exam)
    question, answer, rest = text(exam, 300), text(exam, 50), text(exam, 4 * KIB)
    with exam.during("standard input brought 300 bytes and ended, and the peer answers after the FIN"):
        netcat.stdin.write(question)
        netcat.stdin.close()
        exam.equal(peer.read_to_end(CHUNK), question, "what the peer was sent before the FIN")
        says(exam, netcat, peer, answer, "the first part of the answer")
        says(exam, netcat, peer, rest, "the rest of the answer")
        peer.end()
        exam.equal(netcat.stdout.read_to_end(), b"", "what came after the answer")
        ends_well(exam, netcat)

    netcat, peer = connected(exam)
    with exam.during("standard input was at its end from the beginning, and the peer answers after the FIN"):
        netcat.stdin.close()
        exam.equal(peer.read_to_end(CHUNK), b"", "what the peer was sent before the FIN")
        says(exam, netcat, peer, answer, "the answer")
        peer.end()
        exam.equal(netcat.stdout.read_to_end(), b"", "what came after the answer")
        ends_well(exam, netcat)


def binary(exam):
    netcat, peer = connected(exam)
    every = bytes(exam.random.sample(range(256), 256))
    pieces = [every[:100], b"\r\n", "é€".encode()[:-1], every[100:], b"\0", b"\n\n\r", b"\xff\xfe\xc3", text(exam, 8)]
    everything = b"".join(pieces)
    with exam.during("before anything else, a line comes by standard input"):
        asks(exam, netcat, peer, text(exam, 13), "the line")
    with exam.during("the peer sent all 256 byte values, newlines of every kind and text that is cut inside a character"):
        peer.pieces(pieces)
        exam.equal(netcat.stdout.read_exactly(len(everything)), everything, "what was printed")
    with exam.during("standard input brought all 256 byte values, newlines of every kind and text that is cut inside a character"):
        for piece in pieces:
            netcat.stdin.write(piece)
        netcat.stdin.close()
        exam.equal(peer.read_exactly(len(everything)), everything, "what the peer was sent")


def full_duplex(exam):
    # Small buffers and segments let the kernel take little, and no more than that later on.
    listener = exam.listen(HOST, receive_buffer=4 * KIB, send_buffer=64 * KIB, segment=536)
    netcat, peer = connected(exam, listener)
    much, taken = text(exam, 4 * MIB), 0
    with exam.during("the peer reads nothing of up to 4 MiB that came by standard input, but goes on sending"):
        for _ in range(4):
            taken += netcat.stdin.flood(memoryview(much)[taken:])
            says(exam, netcat, peer, text(exam, 32 * KIB), "the next 32 KiB")
    with exam.during("the peer reads at last what came by standard input in the meantime"):
        exam.equal(peer.read_exactly(taken), much[:taken], "what it was sent")

    much = text(exam, 4 * MIB)
    with exam.during("nobody reads standard output, and the peer sent up to 4 MiB"):
        taken = peer.flood(len(much), much)
    with exam.during("nobody reads standard output, where up to 4 MiB are to be printed, but more comes by standard input"):
        for _ in range(4):
            asks(exam, netcat, peer, text(exam, 32 * KIB), "the next 32 KiB")
    with exam.during("standard output is read at last"):
        exam.equal(netcat.stdout.read_exactly(taken), much[:taken], "what the peer had sent")


def drip(exam):
    netcat, peer = connected(exam)
    for byte in token(exam, 12):
        with exam.during("standard input brings single bytes, each when the one before has arrived"):
            asks(exam, netcat, peer, bytes([byte]), "the next byte")
        with exam.during("the peer sends single bytes, each when the one before has been printed"):
            says(exam, netcat, peer, bytes([byte]), "the next byte")


def name_and_service(exam):
    # Whatever order the resolver gives the two addresses: in one of these turns the first refuses.
    for host in reversed(MIRROR_HOSTS):
        listener = exam.listen(host, 80)
        with exam.during(f"HOST is {MIRROR}, of whose addresses {' and '.join(MIRROR_HOSTS)} only {host} listens, and PORT is http"):
            talks(exam, listener, MIRROR, "http")
        listener.close()
    listener = exam.listen("::1")
    with exam.during("HOST is ::1"):
        talks(exam, listener, "::1", listener.address[1])


def refused(exam):
    port = exam.random.choice(QUIET_PORTS)
    for host, why in ((HOST, "where nobody listens"), (MIRROR, "where nobody listens"), ("nowhere.test", "a name that nobody has")):
        with exam.during(f"HOST and PORT are {host} {port}, {why}"):
            netcat = exam.start("netcat", host, port, stdin=True, stdout=True, stderr=True)
            complaint = netcat.stderr.read_to_end(CHUNK).decode("utf-8", "backslashreplace")
            one = len(complaint.splitlines()) == 1 and complaint.strip()
            assert one, f"one line is to be written to standard error, but it was {lines(complaint)}"
            exam.equal(netcat.stdout.read_to_end(CHUNK), b"", "nothing is to be printed")
            exam.equal(netcat.wait().code, 1, "the exit code")


def peer_ends_first(exam):
    netcat, peer = connected(exam)
    last = text(exam, 160 * KIB)
    with exam.during("the peer sent 160 KiB and its FIN before standard output was read, while standard input stays open"):
        asks(exam, netcat, peer, text(exam, 13), "the line")
        peer.send(last)
        peer.end()
        exam.quiet()
        exam.equal(netcat.stdout.read_to_end(), last, "what was printed")
        ends_well(exam, netcat)

    netcat, peer = connected(exam)
    with exam.during("the peer got a line and ended without a word, while standard input stays open"):
        asks(exam, netcat, peer, text(exam, 13), "the line")
        peer.end()
        exam.equal(netcat.stdout.read_to_end(), b"", "what was printed")
        ends_well(exam, netcat)


def connected(exam, listener=None, host=HOST, port=None):
    """A running program and the peer that it has connected to."""
    listener = listener or exam.listen(HOST)
    netcat = exam.start("netcat", host, port or listener.address[1], stdin=True, stdout=True)
    return netcat, listener.accept()


def says(exam, netcat, peer, data, what):
    """The peer says something, which is to be printed."""
    peer.send(data)
    exam.equal(netcat.stdout.read_exactly(len(data)), data, f"{what} on standard output")


def asks(exam, netcat, peer, data, what):
    """Standard input brings something, which the peer is to get."""
    netcat.stdin.write(data)
    exam.equal(peer.read_exactly(len(data)), data, f"{what} as the peer got it")


def talks(exam, listener, host, port):
    """An ordinary conversation by way of that HOST and PORT."""
    netcat, peer = connected(exam, listener, host, port)
    asks(exam, netcat, peer, text(exam, 13), "a line of standard input")
    says(exam, netcat, peer, text(exam, 13), "the answer")


def ends_well(exam, netcat):
    end = netcat.wait()
    assert end.code == 0, f"then the program must end with exit code 0, but its end was: {end}"


def lines(words):
    """How many there are, and how they begin."""
    first, *rest = words.splitlines() or [""]
    return f"{1 + len(rest)} lines, from {first[:80]!r} on" if rest else repr(first[:80]) if first else "nothing"


def token(exam, length):
    """Letters and digits that nobody can know beforehand: no blank, no newline."""
    return exam.random.randbytes(length).translate(LETTERS)


def text(exam, length):
    """The same with a newline as its last byte."""
    return token(exam, length - 1) + b"\n"
