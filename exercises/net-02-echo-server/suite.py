"""An echo server (RFC 862) and everything that a client may do to it.

Every wait is for an event: an echo, a FIN, an empty kernel queue. Where a fault shows only if the server is late (a FIN or an RST
that is there before it looks), the client queues behind another one, whose turn ends only when all is in place. Servers that serve
several clients at once pass too; they are then merely not made late.

An ordinary exchange here is send, wait until the server has taken everything, FIN, read to the end: it says nothing about *when* the
echo must come, so that each fault is found by the case that is about it.
"""

KIB = 1024
MIB = 1024 * KIB
CHUNK = 64 * KIB
CHUNKS_UNDER_WAY = 4
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]


def echo_at_once(exam):
    exam.start("server")
    with exam.during("a client waits for each echo before it sends its next line"), exam.connect() as peer:
        for turn in range(1, 6):
            line = text(exam, 13)
            peer.send(line)
            exam.equal(peer.read_exactly(len(line)), line, f"the echo of line {turn}")


def no_newline(exam):
    exam.start("server")
    with exam.during("a client sends chunks without a newline, and waits for the echo of each"), exam.connect() as peer:
        for length in (1, 30, 5):
            chunk = token(exam, length)
            peer.send(chunk)
            exam.equal(peer.read_exactly(length), chunk, f"the echo of a chunk of {length} bytes")


def binary(exam):
    exam.start("server")
    every = bytes(exam.random.sample(range(256), 256))
    blanks = [b" ", b"\r\n", b"\0", b"\n\n\n", b"\t"]
    exam.random.shuffle(blanks)
    sent = [every[:100], *blanks, every[100:], b"\xff\xfe\xc3", token(exam, 8)]
    with exam.during("a client sent all 256 byte values and some blanks, each piece in a segment of its own"), exam.connect() as peer:
        peer.pieces(sent)
        exam.equal(finish(peer), b"".join(sent), "its echo")


def half_close_flush(exam):
    server = exam.start("server")
    tail = token(exam, 20)
    with exam.during("a client sent 20 bytes one by one, then its FIN"), exam.connect() as peer:
        peer.drip(tail)
        peer.end()
        exam.equal(peer.read_to_end(KIB), tail, "its echo")
    with exam.during("a client sent 20 bytes and its FIN in one segment"), exam.connect() as peer:
        peer.end(tail)
        exam.equal(peer.read_to_end(KIB), tail, "its echo")
    everything = text(exam, 40 * KIB)
    with exam.during("a client sent 40 KiB and its FIN while another client was being served"):
        with exam.connect() as first, exam.connect() as second:
            take_turn(exam, first)
            second.send(everything[:-100])
            second.end(everything[-100:])
            finish(first)
            exam.equal(second.read_to_end(CHUNK), everything, "its echo")
    serves_on(exam, server, "after clients that had ended their side first")


def twenty_in_turn(exam):
    server = exam.start("server")
    for number in range(1, 21):
        serves_on(exam, server, f"client {number} of 20, one after another")


def say_nothing(exam):
    server = exam.start("server")
    with exam.connect() as peer:
        peer.end()
        exam.equal(peer.read_to_end(KIB), b"", "a client sent nothing but its FIN: nothing is to come back")
    serves_on(exam, server, "after a client that sent nothing but its FIN")
    exam.connect().close()
    serves_on(exam, server, "after a client that connected and left at once")


def reset(exam):
    server = exam.start("server")
    peer = exam.connect()
    take_turn(exam, peer)
    peer.reset()
    exam.quiet()
    serves_on(exam, server, "after a client that sent a line and reset its connection")

    with exam.connect() as first:
        take_turn(exam, first)
        second, third = exam.connect(), exam.connect()
        second.reset()
        third.send(token(exam, 100))
        third.reset()
        finish(first)
    exam.quiet()
    serves_on(exam, server, "after clients that reset their connections before it was their turn")

    peer = exam.connect()
    peer.send(text(exam, CHUNK))
    peer.drained()
    peer.reset()
    exam.quiet()
    serves_on(exam, server, "after a client that reset its connection with its echo unread")


def rebind(exam):
    server = exam.start("server")
    with exam.connect() as peer:
        take_turn(exam, peer)
        server.kill()
        peer.end()
        peer.read_to_end(KIB)
    wait_for_time_wait(exam, server.address)
    serves_on(exam, exam.start("server"), "started again on the same port after it was killed")


def slow_reader(exam):
    exam.start("server")
    much = text(exam, 192 * KIB)
    with exam.connect(receive_buffer=4 * KIB, segment=536) as peer:
        peer.send(much)
        exam.quiet()
        with exam.during("a client read nothing until it had sent 192 KiB"):
            exam.equal(peer.read_exactly(len(much)), much, "its echo")


def flat_memory(exam):
    exam.start("server")
    with exam.during("33 MiB go through one connection"), exam.connect() as peer:
        pump(exam, peer, MIB)
        exam.memory_reset()
        before = exam.usage()["peak_bytes"]
        pump(exam, peer, 32 * MIB)
        grown = exam.usage()["peak_bytes"] - before
    assert grown <= 16 * MIB, f"after the first MiB, 32 MiB passed through one connection, and the server's memory grew by {grown / MIB:.1f} MiB"


def token(exam, length):
    """Letters and digits that nobody can know beforehand: no blank, no newline."""
    return exam.random.randbytes(length).translate(LETTERS)


def text(exam, length):
    """The same with a newline as its last byte."""
    return token(exam, length - 1) + b"\n"


def take_turn(exam, peer):
    """The server has taken what this client sent: from now on it is serving this client."""
    peer.send(text(exam, 13))
    peer.drained()


def finish(peer):
    peer.drained()
    peer.end()
    return peer.read_to_end(CHUNK)


def serves_on(exam, server, when):
    """An ordinary client gets its echo and the server's FIN, from the process that was started."""
    with exam.during(when):
        line = text(exam, 13)
        with exam.connect(server.address) as peer:
            peer.send(line)
            exam.equal(finish(peer), line, "the echo of a client that sent a line and its FIN")
        if not server.alive():
            exam.fail("the server answered, but its process has ended")


def wait_for_time_wait(exam, address):
    """The kernel moves the killed server's connection there by itself; a child that outlived the server may have ended it otherwise."""
    for _ in range(100):
        if "TIME_WAIT" in exam.port_state(address):
            return


def pump(exam, peer, total):
    """A few chunks are under way at any time: one alone would wait for a delayed acknowledgement, again and again."""
    under_way = []
    for start in range(0, total + CHUNKS_UNDER_WAY * CHUNK, CHUNK):
        if start < total:
            under_way.append(text(exam, CHUNK))
            peer.send(under_way[-1])
        if start >= CHUNKS_UNDER_WAY * CHUNK:
            exam.equal(peer.read_exactly(CHUNK), under_way.pop(0), "the echo of the next 64 KiB")
