"""A relay between the examiner's clients and the examiner's target. All that may block is made to block, one thing a case.

Whether a relay stands still shows in what others can do meanwhile: a pair that makes three exchanges has had the relay go round its
loop since the moment when something else began to wait. Where a flow must have come to a stop first, a flood sends until the
kernel's facts say that nothing more will be taken.

A pair begins with the target's accept, before anything is sent: a relay connects when its client does.
"""

KIB = 1024
MIB = 1024 * KIB
FLOOD = 64 * MIB
#: What may be in a relay and in the kernel's buffers of its sockets when 64 MiB were offered.
GROWTH_MAX = 32 * MIB
PAIRS = 600
ROUNDS = 3
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]
#: Keeps the relay's send buffer towards such a peer small, and what it can have under way.
NARROW = {"receive_buffer": 4 * KIB, "segment": 536}


def both_ways(exam):
    relay, target = start(exam)
    pairs = [connect(exam, target) for _ in range(3)]
    with exam.during("the target speaks first"):
        for client, server in pairs:
            carries(exam, server, client, "target", 20)
    with exam.during("three clients, each with a connection of its own to the target, speak in turn"):
        for _ in range(2):
            exam.random.shuffle(pairs)
            for client, server in pairs:
                carries(exam, client, server, "client", exam.random.randint(1, 50))
            for client, server in reversed(pairs):
                carries(exam, server, client, "target", exam.random.randint(1, 50))
    lives(exam, relay)


def binary_large(exam):
    relay, target = start(exam)
    client, server = connect(exam, target)
    every = bytes(exam.random.sample(range(256), 256))
    with exam.during("all 256 byte values pass through, each in a segment of its own"):
        client.drip(every[:128])
        client.pieces([every[128:130], every[130:]])
        exam.equal(server.read_exactly(256), every, "what came from the client")
    upward, downward = exam.random.randbytes(64 * KIB), exam.random.randbytes(64 * KIB)
    with exam.during("64 KiB are under way in both directions at the same time"):
        client.send(upward)
        server.send(downward)
        exam.equal(client.read_exactly(len(downward)), downward, "what came from the target")
        exam.equal(server.read_exactly(len(upward)), upward, "what came from the client")
    lives(exam, relay)


def half_close(exam):
    relay, target = start(exam)
    for first, second in (("client", "target"), ("target", "client")):
        pair = connect(exam, target)
        ending, going_on = pair if first == "client" else reversed(pair)
        with exam.during(f"the {first} sent 20 bytes and its FIN, and the {second} then its own 20 bytes and FIN"):
            last = token(exam, 20)
            ending.end(last)
            exam.equal(going_on.read_to_end(KIB), last, f"what came from the {first} before its end")
            carries(exam, going_on, ending, second, 20)
            last = token(exam, 20)
            going_on.end(last)
            exam.equal(ending.read_to_end(KIB), last, f"what came from the {second} before its end")
    # The first fits into the relay but not into what lies behind it, so that the end comes while bytes before it wait.
    for size in (80 * KIB, 192 * KIB):
        with exam.during(f"the target sent {size // KIB} KiB and its FIN before the client, which has small buffers, read anything"):
            client, server = connect(exam, target, **NARROW)
            much = token(exam, size)
            server.send(much[:-20])
            server.end(much[-20:])
            for _ in range(ROUNDS):
                carries(exam, client, server, "client", 20)
            exam.equal(client.read_to_end(MIB), much, "what came from the target before its end")
            client.end()
            server.at_end()
    lives(exam, relay)


def back_pressure(exam):
    relay, target = start(exam)
    for sender, reader in (("client", "target"), ("target", "client")):
        pair = connect(exam, target)
        sending, reading = pair if sender == "client" else reversed(pair)
        carries(exam, sending, reading, sender, 20)
        exam.memory_reset()
        before = exam.usage()["peak_bytes"]
        unit = token(exam, 64 * KIB)
        with exam.during(f"the {sender} sends up to {FLOOD // MIB} MiB, and the {reader} reads none of it"):
            sent = sending.flood(FLOOD, unit)
            grown = exam.usage()["peak_bytes"] - before
            if sent == FLOOD:
                exam.fail(f"the relay has taken all {FLOOD // MIB} MiB, and somewhere it must keep them")
            if grown > GROWTH_MAX:
                exam.fail(f"its memory grew by {grown / MIB:.1f} MiB")
        with exam.during(f"the {sender} was stopped after {sent} bytes, and then the {reader} read them all"):
            for start_at in range(0, sent, len(unit)):
                size = min(len(unit), sent - start_at)
                exam.equal(reading.read_exactly(size), unit[:size], f"{size} bytes from byte {start_at} on")
            carries(exam, sending, reading, sender, 20)
    lives(exam, relay)


def connect_pending(exam):
    target = exam.listen(backlog=0)
    relay = exam.start("relay", *target.address)
    client, server = connect(exam, target)
    target.fill()
    late = exam.connect()
    greeting = token(exam, 20)
    late.send(greeting)
    with exam.during("the target does not answer the connection attempt for a second client; the first client and the target go on"):
        goes_on(exam, client, server)
    with exam.during("the target takes connections again, and with that the one for the second client"):
        target.accept().close()
        answering = target.accept()
        exam.equal(answering.read_exactly(20), greeting, "what the second client sent while its connection was pending")
        carries(exam, answering, late, "target", 20)
    lives(exam, relay)


def refused(exam):
    # Never listened to before: a port that the kernel hands out could meet itself.
    address = exam.vars["host"], int(exam.vars["target_port"])
    relay = exam.start("relay", *address)
    for _ in range(2):
        with exam.during("nobody listens at the target's port: the client must be closed"), exam.connect() as client:
            client.was_reset()
    lives(exam, relay)
    target = exam.listen(*address)
    with exam.during("after clients that had to be closed the target listens"):
        client, server = connect(exam, target)
        carries(exam, client, server, "client", 20)
        carries(exam, server, client, "target", 20)
    lives(exam, relay)


def stalled_does_not_block(exam):
    relay, target = start(exam)
    other = connect(exam, target)
    client, server = connect(exam, target, **NARROW)
    with exam.during("a client does not read what its target sends"):
        server.flood(8 * MIB)
    with exam.during("a client does not read what its target sends, but it goes on sending itself"):
        for _ in range(ROUNDS):
            carries(exam, client, server, "client", 20)
    with exam.during("a client does not read what its target sends; other pairs go on"):
        goes_on(exam, *other)
        goes_on(exam, *connect(exam, target))
    with exam.during("a second client has sent more than its target reads; other pairs go on"):
        silent = connect(exam, target)
        silent[0].flood(32 * MIB)
        goes_on(exam, *other)
    lives(exam, relay)


def beyond_1024(exam):
    relay, target = start(exam)
    pairs = []
    for number in range(1, PAIRS + 1):
        with exam.during(f"client {number} of {PAIRS} connects, those before it stay"):
            pairs.append(connect(exam, target))
    with exam.during(f"{PAIRS} pairs are open"):
        exam.random.shuffle(pairs)
        for client, server in pairs:
            carries(exam, client, server, "client", 8)
            carries(exam, server, client, "target", 8)
    lives(exam, relay)


def reset(exam):
    relay, target = start(exam)
    pair = connect(exam, target)
    for who, other in (("client", "target"), ("target", "client")):
        for before in ("", " after 20 bytes"):
            client, server = connect(exam, target)
            # The relay knows that its connection stands: a reset is not yet another way to be refused.
            carries(exam, server, client, "target", 20)
            leaving, left = (client, server) if who == "client" else (server, client)
            with exam.during(f"the {who} reset its connection{before}: the one to the {other} must be ended too"):
                if before:
                    leaving.send(token(exam, 20))
                leaving.reset()
                left.was_reset()
    client, server = connect(exam, target)
    carries(exam, server, client, "target", 20)
    with exam.during("both sides of a pair reset their connections at once"):
        for end in (client, server):
            end.reset()
    with exam.during("after connections that were reset"):
        goes_on(exam, *pair)
        goes_on(exam, *connect(exam, target))
    lives(exam, relay)


def one_thread(exam):
    relay, target = start(exam)
    single(exam, "before the first client")
    pairs = [connect(exam, target) for _ in range(4)]
    for client, server in pairs:
        carries(exam, client, server, "client", 20)
        carries(exam, server, client, "target", 20)
    single(exam, "while four pairs are open")
    lives(exam, relay)


def at_rest(exam):
    relay, target = start(exam)
    exam.quiet()
    descriptors = open_descriptors(exam)
    pairs = [connect(exam, target) for _ in range(3)]
    for client, server in pairs:
        carries(exam, client, server, "client", 20)
        carries(exam, server, client, "target", 20)
    exam.quiet()
    ending = [pairs[0][0], pairs[1][1]]
    for end in ending:
        end.end()
    pairs[0][1].at_end()
    pairs[1][0].at_end()
    exam.quiet()
    for pair in pairs:
        for end in pair:
            if end not in ending:
                end.end()
    for client, server in pairs:
        client.at_end()
        server.at_end()
    exam.quiet()
    exam.equal(open_descriptors(exam), descriptors, "three pairs have come and gone, the number of open descriptors is to be as before")
    lives(exam, relay)


def start(exam):
    """The relay, and the target that it connects to."""
    target = exam.listen()
    return exam.start("relay", *target.address), target


def connect(exam, target, **buffers):
    """A client, and the target's end of the connection that the relay makes for it."""
    client = exam.connect(**buffers)
    with exam.during("a client has connected, and the relay is to connect to the target"):
        return client, target.accept()


def carries(exam, sender, receiver, who, length):
    sent = token(exam, length)
    sender.send(sent)
    with exam.during(f"the {who} sent {length} bytes"):
        exam.equal(receiver.read_exactly(length), sent, "what came out at the other end")


def goes_on(exam, client, server):
    """Three exchanges: the relay has been round its loop since it took up whatever there was before."""
    for _ in range(ROUNDS):
        carries(exam, client, server, "client", 20)
        carries(exam, server, client, "target", 20)


def lives(exam, relay):
    if not relay.alive():
        exam.fail("the relay did what it had to, but its process has ended")


def single(exam, when):
    processes = exam.processes()
    threads = sum(len(process.threads) for process in processes)
    if len(processes) != 1 or threads != 1:
        exam.fail(f"{when} the relay consists of {threads} threads in {len(processes)} processes, expected one thread in one process")


def open_descriptors(exam):
    return sum(process.descriptors for process in exam.processes())


def token(exam, length):
    """Letters and digits that nobody can know beforehand."""
    return exam.random.randbytes(length).translate(LETTERS)
