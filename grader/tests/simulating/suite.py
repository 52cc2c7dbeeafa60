"""Every power of the simulated lane."""

from practicum import at


def register(exam):
    run = exam.simulate(
        nodes={"s": ["node.py", "serve"]},
        clients={"c1": ["drivers/client.py", 6], "c2": ["drivers/client.py", 6]},
        faults=[at(1).network(short_reads=0.2), at(2).partition("s", ["c1"]), at(3).heal(), at(4).lose_power("s"), at(5).restart("s")],
        until=60,
        runs=12,
    )
    run.history.linearizable(Register)
    for once in run:
        assert any(entry["returned"] for entry in once.operations()), "no client has had an answer"


def answered(exam):
    seen = exam.simulate(nodes={"s": ["node.py", "serve"]}, clients={"p": "drivers/patient.py"}, runs=3)
    seen.every(lambda once: exam.equal(once.notes("answer")[0][2], None, "what a fresh register holds"))
    # As good as a network can be, and as bad as it may be: both are of the same seed.
    again = exam.simulate(nodes={"s": ["node.py", "serve"]}, clients={"p": "drivers/patient.py"}, faults=[at(0).network(retransmission=0.3)], runs=3)
    again.exactly_once("asked", "answered")
    again.unique("asked")
    again.keeps_acknowledged("answered", "all")


def gossip(exam):
    names = "abc"
    run = exam.simulate(
        nodes={name: ["node.py", "gossip", name, *names] for name in names},
        clients={"observer": ["drivers/observer.py", *names]},
        faults=faults,
        starts={"c": 0.5, "observer": 25},
        clocks={"b": (3600, 100)},
        cpu_s=1,
        runs=8,
    )
    run.converges("known")
    for once in run:
        exam.equal(sorted(once.notes("known")[0][2]), list(names), "what all know in the end")
        exam.equal([line for _, line in once.lines("a")][:1], ["a is there"], "the first line of a")


def faults(random):
    """A partition and a restart somewhere."""
    cut = random.uniform(2, 6)
    lost = random.choice("abc")
    return [at(0).network(loss=0.1, duplication=0.05), at(cut).partition(lost), at(cut + 4).heal(), at(12).kill(lost), at(13).restart(lost)]


def encoded(exam):
    texts = [str(exam.random.randrange(10**9)) for _ in range(5)]
    seen = exam.compute("drivers/codec.py:there_and_back", module="codec.py", texts=texts)
    exam.equal(seen.value, [(text.encode(), text) for text in texts], "what is encoded, and decoded again")


def linear(exam):
    exam.grows(lambda size: exam.compute("drivers/codec.py:long", module="codec.py", size=size).fuel, (2_000, 4_000, 8_000), at_most=2.3)


def compiled(exam):
    word = str(exam.random.randrange(10**9)).encode()
    exam.equal(exam.command(["solver.wasm"], stdin=word).stdout, word, "what the compiled program writes")


def filtered(exam):
    word = str(exam.random.randrange(10**9))
    ended = exam.command(["node.py", "filter"], stdin=f"{word}\n".encode(), files={"extra.txt": "more\n"})
    exam.equal(ended.exit.code, 0, "the exit code")
    exam.equal(ended.stdout, f"{word}\nmore\n".encode(), "what it writes")
    exam.equal(ended.files, {"out.txt": word.encode()}, "the files that it makes")


class Register:
    initial = None

    def step(self, state, operation, arguments):
        return (arguments[0], None) if operation == "write" else (state, state)
