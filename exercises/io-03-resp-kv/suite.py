"""A store that speaks RESP2, and clients that send it everything in other pieces than it would like.

Most cases are lenient about all that they are not about: one client, one command in one segment, and its reply is awaited before
the next. That nobody is kept waiting is proved by order: one client is stuck, and others must have their replies before it moves.

CRUNCH is the one place where a program is at work meanwhile. The case stops the program while it sends the CRUNCH and a series of
questions of another client, so that all are there before the program looks; its own answers then tell whether the questions were
answered between the beginning of the CRUNCH and its end. The examiner may be as slow as it likes, and so may the program: it has to
answer eight buffered questions within millions of rounds.
"""

import hashlib
from select import select
from signal import SIGCONT, SIGSTOP

KIB = 1024
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]
CROWD = 500
THREADS_MAX = 5
# Seconds of computing; whoever answers meanwhile is not held up by it, and the case ends long before it does.
ROUNDS_LONG = 6_000_000
QUESTIONS = 8
QUESTIONS_MAX = 50
# Answers that a program gives between two commands of one client, because it takes a command of each client in turn, prove nothing.
QUESTIONS_IN_TIME = 3

OK, PONG = b"+OK", b"+PONG"
ERROR, PROTOCOL_ERROR = b"-ERR", b"-ERR Protocol error"


def basics(exam):
    exam.start("server")
    key, counter, missing = names(exam, 3)
    first, second = token(exam, 9), token(exam, 30)
    number = exam.random.randrange(10, 1000)
    rounds = exam.random.randrange(300, 3000)
    with exam.connect() as peer:
        ask(exam, peer, PONG, b"PING")
        ask(exam, peer, [first], b"PING", first)
        ask(exam, peer, [second], b"ECHO", second)
        ask(exam, peer, OK, b"SET", key, first)
        ask(exam, peer, [first], b"GET", key)
        ask(exam, peer, OK, b"SET", key, second)
        ask(exam, peer, 1, b"INCR", counter)
        ask(exam, peer, 2, b"INCR", counter)
        ask(exam, peer, OK, b"SET", counter, b"%d" % -number)
        ask(exam, peer, 1 - number, b"INCR", counter)
        ask(exam, peer, [b"%d" % (1 - number)], b"GET", counter)
        ask(exam, peer, [[second, b"%d" % (1 - number)]], b"MGET", key, counter)
        ask(exam, peer, [crunched(rounds, key)], b"CRUNCH", b"%d" % rounds, key)
    with exam.during("a second client, after the first had gone"), exam.connect() as peer:
        ask(exam, peer, [crunched(rounds, key)], b"GET", key)
        ask(exam, peer, 2, b"DEL", key, missing, counter)
        ask(exam, peer, 0, b"DEL", key)


def nil(exam):
    exam.start("server")
    key, empty, missing = names(exam, 3)
    value = token(exam, 7)
    with exam.connect() as peer:
        ask(exam, peer, [None], b"GET", missing)
        ask(exam, peer, OK, b"SET", key, value)
        ask(exam, peer, OK, b"SET", empty, b"")
        ask(exam, peer, [b""], b"GET", empty)
        ask(exam, peer, [[value, None, b""]], b"MGET", key, missing, empty)
        ask(exam, peer, 2, b"DEL", key, empty)
        ask(exam, peer, [[None, None]], b"MGET", empty, key)


def lower_case(exam):
    exam.start("server")
    key = names(exam, 1)[0].upper() + b"Key"
    value = token(exam, 8).upper()
    with exam.connect() as peer:
        ask(exam, peer, PONG, b"ping")
        ask(exam, peer, OK, b"sEt", key, value)
        ask(exam, peer, [value], b"Get", key)
        ask(exam, peer, OK, b"set", key.lower(), value.lower())
        ask(exam, peer, [[value, value.lower()]], b"mget", key, key.lower())


def pipeline(exam):
    exam.start("server")
    keys, values = names(exam, 4), [token(exam, 20) for _ in range(4)]
    exchanges = [(OK, (b"SET", key, value)) for key, value in zip(keys, values)]
    exchanges += [([value], (b"GET", key)) for key, value in zip(keys, values)]
    exchanges += [(4, (b"DEL", *keys)), (PONG, (b"PING",))]
    with exam.during("a client sent ten commands in one segment"), exam.connect() as peer:
        peer.send(b"".join(command(*words) for _, words in exchanges))
        for want, words in exchanges:
            expect(exam, peer, want, words)
    texts = [token(exam, 60) for _ in range(200)]
    everything = b"".join(command(b"ECHO", text) for text in texts)
    with exam.during("a client sent 200 commands at once and read nothing before"), exam.connect() as peer:
        peer.send(everything)
        for text in texts:
            expect(exam, peer, [text], (b"ECHO", text))
    first, second = token(exam, 11), token(exam, 12)
    sent = command(b"ECHO", first) + command(b"ECHO", second)
    with exam.during("a client sent one and a half commands in one segment, then the rest and its FIN"), exam.connect() as peer:
        cut = exam.random.randrange(len(sent) - 18, len(sent) - 1)
        peer.pieces([sent[:cut]])
        peer.end(sent[cut:])
        expect(exam, peer, [first], (b"ECHO", first))
        expect(exam, peer, [second], (b"ECHO", second))
        exam.equal(peer.read_to_end(KIB), b"", "after its last reply the server closes the connection")


def drip(exam):
    exam.start("server")
    key = names(exam, 1)[0]
    value = token(exam, 12)
    with exam.during("a client sends its commands one byte a segment"), exam.connect() as peer:
        for want, words in ((OK, (b"SET", key, value)), ([value], (b"GET", key))):
            peer.drip(command(*words))
            expect(exam, peer, want, words)


def binary_crlf(exam):
    exam.start("server")
    every = bytes(exam.random.sample(range(256), 256))
    values = [b"\r\n", b"\r\n$5\r\n" + token(exam, 5) + b"\r\n", every, b"*1\r\n$4\r\nPING\r\n", b"\0 \xff\xfe\xc3", token(exam, 4) + b"\r"]
    keys = [token(exam, 3) + blank for blank in (b" ", b"\r\n", b"\0", b"\xff", b"\n", b"\r")]
    with exam.during("keys and values hold CR LF, NUL and all other bytes"), exam.connect() as peer:
        for key, value in zip(keys, values):
            ask(exam, peer, OK, b"SET", key, value)
            ask(exam, peer, [value], b"GET", key)
        ask(exam, peer, [values], b"MGET", *keys)


def big_value(exam):
    exam.start("server")
    key = names(exam, 1)[0]
    value = token(exam, 600 * KIB)
    with exam.connect(receive_buffer=64 * KIB) as peer:
        ask(exam, peer, OK, b"SET", key, value)
        ask(exam, peer, [value], b"GET", key)
        with exam.during("a client asked for 8 times 600 KiB with one MGET and read nothing before"):
            peer.send(command(b"MGET", *[key] * 8))
            peer.drained()
            expect(exam, peer, [[value] * 8], (b"MGET", key, key, b"..."))
        ask(exam, peer, PONG, b"PING")


def unknown_command(exam):
    server = exam.start("server")
    key = names(exam, 1)[0]
    value = token(exam, 6) + b"x"
    wrong = [
        (token(exam, 6).upper(), key),
        (b"NO\r\nSUCH " + token(exam, 3), key),
        (b"GET",),
        (b"SET", key),
        (b"ECHO", key, value),
        (b"INCR", key),
        (b"CRUNCH", value, key),
        (b"CRUNCH", b"0", key),
    ]
    with exam.connect() as peer:
        ask(exam, peer, OK, b"SET", key, value)
        for words in wrong:
            ask(exam, peer, ERROR, *words)
            with exam.during(f"after {shown(words)}, an error"):
                ask(exam, peer, [value], b"GET", key)
    lives_on(exam, server, "after commands that were errors")


def partial_does_not_block(exam):
    server = exam.start("server")
    text = token(exam, 10)
    sent = command(b"ECHO", text)
    with exam.connect() as held:
        held.send(sent[:-6])
        held.drained()
        lives_on(exam, server, "while another client has sent a part of its command")
        with exam.during("a client sent the rest of its command after another client had been served"):
            held.send(sent[-6:])
            expect(exam, held, [text], (b"ECHO", text))

    lost = exam.connect()
    lost.send(command(b"SET", text, text)[:-3])
    lost.drained()
    lost.reset()
    lives_on(exam, server, "after a client that reset its connection in the middle of a command")

    greedy = exam.connect(receive_buffer=4 * KIB)
    value = token(exam, 600 * KIB)
    ask(exam, greedy, OK, b"SET", text, value)
    greedy.send(command(b"MGET", *[text] * 14))
    greedy.drained()
    lives_on(exam, server, "while another client does not read its reply of 8 MiB")
    greedy.reset()

    texts = [token(exam, 16) for _ in range(CROWD)]
    cuts = [exam.random.randrange(5, 37) for _ in range(CROWD)]
    exam.rendezvous(
        CROWD,
        lambda index: command(b"ECHO", texts[index])[: cuts[index]],
        lambda index: command(b"ECHO", texts[index])[cuts[index] :],
        lambda index: b"$16\r\n%b\r\n" % texts[index],
    )
    is_small(exam, f"while {CROWD} clients were connected")


def crunch_does_not_block(exam):
    server = exam.start("server")
    began, result, other = names(exam, 3)
    long = b"%d" % (ROUNDS_LONG + exam.random.randrange(1000))
    with exam.connect() as peer:
        ask(exam, peer, [crunched(1000, result)], b"CRUNCH", b"1000", result)
    cruncher, asker = exam.connect(), exam.connect()
    ask(exam, cruncher, OK, b"SET", began, b"0")
    ask(exam, asker, OK, b"SET", result, b"0")

    question = command(b"MGET", began, result)
    server.signal(SIGSTOP)
    cruncher.send(command(b"SET", began, b"1") + command(b"CRUNCH", long, result))
    asker.send(question * QUESTIONS)
    server.signal(SIGCONT)
    seen = [answer_of(exam, asker, began, result) for _ in range(QUESTIONS)]
    while not enough(seen) and len(seen) < QUESTIONS_MAX:
        # The program looked at the other client first; by now it has begun.
        asker.send(question)
        seen.append(answer_of(exam, asker, began, result))
    if seen.count("computing") < QUESTIONS_IN_TIME:
        exam.fail(f"another client's questions had to wait until a CRUNCH of {long.decode()} rounds had ended")

    expect(exam, cruncher, OK, (b"SET", began, b"1"))
    cruncher.send(command(b"GET", result))
    for _ in range(3):
        ask(exam, asker, PONG, b"PING")
    if select([cruncher], [], [], 0)[0]:
        with exam.during("a client sent a GET while its CRUNCH was computed: its first reply"):
            expect_line(exam, cruncher, b"$64")

    for _ in range(6):
        peer = exam.connect()
        peer.send(command(b"CRUNCH", long, other))
        peer.drained()
    for _ in range(3):
        ask(exam, asker, PONG, b"PING")
    is_small(exam, "while seven clients waited for their CRUNCH")


def protocol_error(exam):
    server = exam.start("server")
    text = token(exam, 8)
    wrong = [
        b"*x\r\n",
        b"*0\r\n",
        b"*1\r\n$four\r\nPING\r\n",
        b"*1\r\n:4\r\n",
        b"PING\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$+4\r\nPING\r\n",
        b"*1\r\n$4\r\nPINGPONG\r\n",
        b"*2\r\n$4\r\nECHO\r\n$1048577\r\n",
        b"*1025\r\n",
    ]
    for line in exam.random.sample(wrong, len(wrong)):
        with exam.during(f"a client sent {line!r} after a command"), exam.connect() as peer:
            ask(exam, peer, [text], b"ECHO", text)
            peer.send(line)
            expect_line(exam, peer, PROTOCOL_ERROR)
            # Whoever closes with something unread resets the connection, and may.
            peer.was_reset()
    lives_on(exam, server, "after clients that broke the protocol")


def token(exam, length):
    """Letters and digits that nobody can know beforehand."""
    return exam.random.randbytes(length).translate(LETTERS)


def names(exam, number):
    """Different keys."""
    return [b"%b%d" % (token(exam, 6), index) for index in range(number)]


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def crunched(rounds, key):
    digest = key
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return digest.hex().encode()


def ask(exam, peer, want, *words):
    """One command in one segment, and its reply."""
    peer.send(command(*words))
    expect(exam, peer, want, words)


def expect(exam, peer, want, words):
    """The reply to `words`: a number; [bulk string]; [[bulk strings]]; or, as bytes, a line, of an error only how it begins."""
    with exam.during(f"the reply to {shown(words)}"):
        if isinstance(want, bytes):
            expect_line(exam, peer, want)
        elif isinstance(want, int):
            expect_line(exam, peer, b":%d" % want)
        elif isinstance(want[0], list):
            expect_line(exam, peer, b"*%d" % len(want[0]))
            for number, item in enumerate(want[0], 1):
                with exam.during(f"item {number}"):
                    expect_bulk(exam, peer, item)
        else:
            expect_bulk(exam, peer, want[0])


def expect_bulk(exam, peer, want):
    expect_line(exam, peer, b"$%d" % (-1 if want is None else len(want)))
    if want is not None:
        exam.equal(peer.read_exactly(len(want) + 2), want + b"\r\n", "the bulk string and its CR LF")


def expect_line(exam, peer, want):
    line = peer.read_line()
    if not line:
        exam.fail(f"{want!r} was expected, but the server closed the connection")
    if want in (ERROR, PROTOCOL_ERROR) and line.startswith(want) and line.endswith(b"\r\n"):
        return
    if line != want + b"\r\n":
        exam.fail(f"got the line {clipped(line)}, expected {want!r}" + (" and a text" if want == ERROR else " and CR LF"))


def answer_of(exam, peer, began, result):
    """What a reply to MGET began result shows: "before" the CRUNCH, while it was "computing", or after it was "done"."""
    with exam.during(f"the reply to {shown((b'MGET', began, result))}, sent while another client's CRUNCH is computed"):
        expect_line(exam, peer, b"*2")
        expect_line(exam, peer, b"$1")
        has_begun = peer.read_exactly(3) == b"1\r\n"
        line = peer.read_line()
        if line == b"$1\r\n":
            exam.equal(peer.read_exactly(3), b"0\r\n", "the second item")
            return "computing" if has_begun else "before"
        exam.equal(line, b"$64\r\n", "the first line of the second item")
        peer.read_exactly(66)
        return "done"


def enough(seen):
    return "done" in seen or seen.count("computing") >= QUESTIONS_IN_TIME


def lives_on(exam, server, when):
    """An ordinary client is served, by the process that was started."""
    text = token(exam, 12)
    with exam.during(when), exam.connect() as peer:
        ask(exam, peer, [text], b"ECHO", text)
        if not server.alive():
            exam.fail("the server answered, but its process has ended")


def is_small(exam, when):
    processes = exam.processes()
    if len(processes) != 1:
        exam.fail(f"{when}, the server had {len(processes)} processes, and only one is allowed")
    threads = len(processes[0].threads)
    assert threads <= THREADS_MAX, f"{when}, the server had {threads} threads, and {THREADS_MAX} are allowed"


def shown(words):
    return clipped(b" ".join(words))


def clipped(data):
    text = repr(data)[1:]
    return text if len(text) <= 80 else text[:77] + "..."
