def by_unix(exam):
    exam.start("unix")
    with exam.connect() as peer:
        line = exam.random.randbytes(10).hex().encode() + b"\n"
        peer.drip(line)
        exam.equal(peer.read_line(), line, "the line that was sent")


def by_datagram(exam):
    server = exam.start("datagrams")
    with exam.udp() as client:
        data = exam.random.randbytes(100)
        client.send(data, server.address)
        exam.equal(client.receive(), (data, server.address), "the datagram that was sent")
        client.quiet()


def in_the_folder(exam):
    names = sorted(f"out/{exam.random.randrange(10**9)}" for _ in range(3))
    exam.start("writer", *names).wait()
    exam.write_file("out/note", "written while the program's own files are there")
    exam.remove_file("out/note")
    exam.equal(exam.files("out"), names, "files in out/")
    for name in names:
        assert exam.kind(name) == "file", f"{name} is to be a file"
        exam.equal(exam.read_file(name), name.encode(), f"content of {name}")
        assert exam.remove_file(name), f"{name} is to be there"


def at_the_gate(exam):
    gate = exam.gate()
    exam.write_file("gate.py", gate.code)
    exam.start("worker")
    gate.inside(2)
    exam.quiet()
    exam.equal(sorted(gate.now()), ["0", "1"], "jobs at work at the same time")


def on_the_web(exam):
    word = exam.random.randbytes(8).hex()
    site = exam.http({"/word": word})
    fetcher = exam.start("fetcher", site.url("/word"), stdout=True)
    exam.equal(fetcher.stdout.read_to_end(), word.encode(), "the page")
    exam.equal([request.target for request in site.requests], ["/word"], "what was asked for")
    assert fetcher.wait().code == 0, "the program is to end well"


def on_the_queue(exam):
    word = exam.random.randbytes(8).hex()
    broker = exam.amqp()
    broker.declare("words")
    publisher = exam.start("publisher", broker.port, word)
    publisher.wait()
    exam.equal(broker.queue("words").ready, 1, "messages in the queue")
    exam.equal(broker.get("words").body, word.encode(), "the message")
    exam.equal(len(broker.said("basic.publish")), 1, "publishes")


def by_relay(exam):
    server = exam.start("node")
    relay = exam.relay({"client": None, "server": server.address}, udp=True)
    relay.link("client", "server").faults(duplicate=1)
    data = exam.random.randbytes(100)
    with exam.udp() as client:
        client.send(data, relay.address("client", "server"))
        for _ in range(2):
            exam.equal(client.receive()[0], data, "the datagram that was sent")
        client.quiet()
    fates = [(passage.source, passage.fate) for passage in relay.ledger()]
    exam.equal(sorted(fates), [("client", "duplicated"), ("server", "passed"), ("server", "passed")], "what passed the relay")


class Register:
    initial = 0

    def step(self, state, operation, arguments):
        return (arguments[0], None) if operation == "write" else (state, state)


def in_some_order(exam):
    register = exam.load("answer.py").Register()
    history = exam.history()
    for value in exam.random.sample(range(1, 1000), 3):
        write, read = history.begin("writer", "write", value), history.begin("reader", "read")
        tasks = exam.background(register.write, value), exam.background(register.read)
        write.returned(tasks[0].result())
        read.returned(tasks[1].result())
    history.begin("reader", "read").returned(register.read())
    history.linearizable(Register)
