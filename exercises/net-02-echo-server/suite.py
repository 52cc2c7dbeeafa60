"""An echo server (RFC 862) and everything that a client may do to it.

Every wait is for an event: an echo, a FIN, an empty kernel queue. Where a fault shows only if the server is late (a FIN or an RST
that is there before it looks), the client queues behind another one, whose turn ends only when all is in place. Servers that serve
several clients at once pass too; they are then merely not made late.

An ordinary exchange here is send, wait until the server has taken everything, FIN, read to the end: it says nothing about *when* the
echo must come, so that each fault is found by the case that is about it.
"""

from practicum import Failure

KIB = 1024
MIB = 1024 * KIB
CHUNK = 64 * KIB
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]


def echo_at_once(exam):
    exam.start("server")
    with exam.connect() as peer:
        for turn in range(1, 6):
            line = text(exam, 13)
            peer.send(line)
            exam.equal(peer.read_exactly(len(line)), line, f"line {turn} of a client that waits for each echo before its next line")


def no_newline(exam):
    exam.start("server")
    with exam.connect() as peer:
        for length in (1, 30, 5):
            chunk = token(exam, length)
            peer.send(chunk)
            exam.equal(peer.read_exactly(length), chunk, f"a chunk of {length} bytes without a newline, and nothing after it for now")


def binary(exam):
    exam.start("server")
    every = bytes(exam.random.sample(range(256), 256))
    blanks = [b" ", b"\r\n", b"\0", b"\n\n\n", b"\t"]
    exam.random.shuffle(blanks)
    sent = [every[:100], *blanks, every[100:], b"\xff\xfe\xc3", token(exam, 8)]
    with exam.connect() as peer:
        peer.pieces(sent)
        echo = finish(peer)
    exam.equal(echo, b"".join(sent), "all 256 byte values and some blanks, each piece in a segment of its own")


def half_close_flush(exam):
    server = exam.start("server")
    with exam.connect() as peer:
        tail = token(exam, 20)
        peer.drip(tail)
        peer.end()
        exam.equal(peer.read_to_end(KIB), tail, "a client sent 20 bytes one by one, then its FIN")
    with exam.connect() as first, exam.connect() as second:
        take_turn(exam, first)
        everything = text(exam, 40 * KIB)
        second.send(everything)
        second.end()
        finish(first)
        what = "a client sent 40 KiB and its FIN while another client was being served"
        exam.equal(second.read_to_end(CHUNK), everything, what)
    serves_on(exam, server, "after two clients had ended their side first")


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
    serves_on(exam, server, "after a client that sent a line and reset its connection")

    with exam.connect() as first:
        take_turn(exam, first)
        second, third = exam.connect(), exam.connect()
        second.reset()
        third.send(token(exam, 100))
        third.reset()
        finish(first)
    serves_on(exam, server, "after clients that reset their connections before it was their turn")

    peer = exam.connect()
    peer.send(text(exam, CHUNK))
    peer.drained()
    peer.reset()
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
    much = text(exam, 4 * MIB)
    with exam.connect(receive_buffer=4 * KIB) as peer:
        peer.send(much)
        exam.quiet()
        echo = peer.read_exactly(len(much))
    exam.equal(echo, much, "a client read nothing until it had sent 4 MiB")


def flat_memory(exam):
    exam.start("server")
    with exam.connect() as peer:
        pump(exam, peer, MIB)
        exam.memory_reset()
        before = exam.usage()["peak_bytes"]
        pump(exam, peer, 32 * MIB)
        grown = exam.usage()["peak_bytes"] - before
    assert grown <= 16 * MIB, f"32 MiB passed through one connection, and the server's memory grew by {grown / MIB:.1f} MiB"


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
    line = text(exam, 13)
    try:
        with exam.connect(server.address) as peer:
            peer.send(line)
            echo = finish(peer)
    except Failure as failure:
        raise type(failure)(f"{when}: {failure}", failure.evidence) from None
    except OSError as error:
        exam.fail(f"{when}: a client that sent {line!r} was not served: {error}")
    exam.equal(echo, line, f"{when}: a client sent a line and its FIN")
    assert server.alive(), f"{when}: the server answered, but its process has ended"


def wait_for_time_wait(exam, address):
    """The kernel moves the killed server's connection there by itself; a child that outlived the server may have ended it otherwise."""
    for _ in range(1000):
        if "TIME_WAIT" in exam.port_state(address):
            return


def pump(exam, peer, total):
    for start in range(0, total, CHUNK):
        chunk = text(exam, CHUNK)
        peer.send(chunk)
        exam.equal(peer.read_exactly(CHUNK), chunk, f"64 KiB after {start // KIB} KiB that came back well")
