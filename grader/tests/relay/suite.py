"""The relay, tried from the outside by the ledger that it keeps and by what the programs see."""

DATAGRAMS = 120


def faults(exam):
    server = exam.start("datagrams")
    net = exam.relay({"client": None, "server": server.address}, udp=True)
    net.faults(loss=0.15, duplicate=0.1, truncate=0.1, reorder=0.15, delay=0.05, replay=0.05)
    client = exam.udp()
    for number in range(DATAGRAMS):
        client.send(b"%04d" % number, net.address("client", "server"))
        net.drained("server")
    exam.quiet()
    heard = received(client)
    there, back = net.link("client", "server").ledger(), net.link("server", "client").ledger()
    assert [passage.ordinal for passage in there] == list(range(DATAGRAMS)), "each datagram stands in the ledger"
    exam.equal(len(heard), sum(copies(passage) for passage in back), "what came back")
    exam.equal(len(back), sum(copies(passage) for passage in there), "what was echoed")
    exam.equal(sum(len(data) for data in heard), sum(passage.passed for passage in back), "bytes that came back")
    assert {"passed", "lost", "duplicated", "truncated", "reordered"} <= {passage.fate for passage in there + back}
    return told(net)


def held_back(exam):
    server = exam.start("datagrams")
    net = exam.relay({"client": None, "server": server.address}, udp=True)
    net.link("client", "server").faults(plan={0: "delayed", 1: "lost", 2: "reordered", 4: "replayed"})
    client, address = exam.udp(), net.address("client", "server")
    for number in range(2):
        client.send(b"%d" % number, address)
    exam.equal(client.receive(), (b"0", address), "the delayed one comes as nothing else does")
    fails(client.receive, "has sent no datagram")
    client.send(b"2", address)
    exam.equal(client.receive()[0], b"2", "nothing overtakes it")
    client.send(b"3", address)
    client.send(b"4", address)
    exam.equal([client.receive()[0] for _ in range(3)], [b"3", b"4", b"4"], "and one comes twice")
    net.partition("server")
    client.send(b"5", address)
    net.heal()
    client.quiet()
    fates = ["delayed", "lost", "reordered", "passed", "replayed", "partitioned"]
    exam.equal([passage.fate for passage in net.link("client", "server").ledger()], fates, "fates")
    net.link("client", "server").stall()
    client.send(b"6", address)
    client.quiet()
    net.link("client", "server").release()
    exam.equal(client.receive()[0], b"6", "it was kept")


def acquaintances(exam):
    other = exam.udp("127.0.0.2", 7000)
    net = exam.relay({"a": other.address, "b": ("127.0.0.3", 7000)}, udp=True)
    a_for_b, b_for_a = net.address("b", "a"), net.address("a", "b")
    assert (a_for_b[0], b_for_a[0]) == ("127.0.0.2", "127.0.0.3")
    talker = exam.start("talker", *a_for_b, stdout=True)
    exam.equal(other.receive(), (b"%s:%d" % (a_for_b[0].encode(), a_for_b[1]), b_for_a), "what b says, and who says it")
    other.send(b"hello", b_for_a)
    exam.equal(talker.stdout.read_line(), b"hello %s %d\n" % (a_for_b[0].encode(), a_for_b[1]), "what b hears from a")


def streams(exam):
    server = exam.start("stream", stdout=True)
    net = exam.relay({"client": None, "server": server.address})
    net.faults(split=3)
    data = exam.random.randbytes(2000)
    with exam.connect(net.address("client", "server")) as peer:
        peer.send(data[:1000])
        net.drained("server")
        peer.send(data[1000:])
        peer.end()
        exam.equal(peer.read_to_end(), data, "the echo")
    peer = exam.connect(net.address("client", "server"))
    peer.send(b"x")
    exam.equal(peer.read_exactly(1), b"x", "the echo")
    peer.reset()
    exam.equal(server.stdout.read_line(), b"reset\n", "what the server met")
    fates = [(passage.source, passage.flow, passage.passed, passage.fate) for passage in net.ledger()]
    want = [("client", 0, 2000, "ended"), ("client", 1, 1, "reset"), ("server", 0, 2000, "ended"), ("server", 1, 1, "broken")]
    exam.equal(fates, want, "the ledger")
    try:
        net.faults(loss=0.5)
    except ValueError as error:
        assert "streams lose nothing" in str(error)


def partition(exam):
    server = exam.start("stream")
    net = exam.relay({"client": None, "server": server.address})
    net.partition("client", ["server"])
    with exam.connect(net.address("client", "server")) as peer:
        peer.send(b"held")
        fails(lambda: peer.read_exactly(4), "has not sent")
        net.heal()
        exam.equal(peer.read_exactly(4), b"held", "the echo")
        net.link("server", "client").stall()
        peer.send(b"more")
        net.drained("server")
        peer.quiet()
        net.release()
        exam.equal(peer.read_exactly(4), b"more", "the echo")


def cut(exam):
    server = exam.start("stream")
    net = exam.relay({"client": None, "server": server.address})
    net.cut("client", "server", after=60)
    net.cut("server", "client", after=99, connection=1, end=True)
    client = exam.start("client", *net.address("client", "server"), stdout=True)
    exam.equal(client.stdout.read_to_end(), b"reset\nended\nechoed\n", "what the client tells")
    sizes = [(passage.passed, passage.fate) for passage in net.link("client", "server").ledger()]
    exam.equal(sizes, [(60, "cut"), (100, "cut"), (100, "ended")], "the ledger")


def received(client):
    heard = []
    while client.waiting():
        heard.append(client.receive()[0])
    return heard


def copies(passage):
    return {"lost": 0, "duplicated": 2, "replayed": 2}.get(passage.fate, 1)


def told(net):
    return " ".join(f"{passage.source}{passage.ordinal}:{passage.fate}:{passage.passed}" for passage in net.ledger())


def fails(act, words):
    try:
        act()
    except AssertionError as failure:
        assert words in str(failure), failure
    else:
        raise AssertionError(f"it must fail: {words}")
