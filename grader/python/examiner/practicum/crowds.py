"""Many clients at once, and every way to cut what one of them sends. Concurrency is proved by order, never by time."""

from itertools import combinations

from .evidence import count

# Listening queues of ordinary servers are at least this long: so many connect before one of them is waited for.
BURST = 5


def splits(data, cuts=1):
    """Every way to cut `data` into `cuts` + 1 pieces, none of them empty."""
    for places in combinations(range(1, len(data)), cuts):
        ends = (0, *places, len(data))
        yield [data[start:end] for start, end in zip(ends, ends[1:])]


def gather(exam, number, address, speak):
    """`number` clients that each have said something, so few at a time that no listening queue runs over."""
    peers = []
    for index in range(number):
        peer = exam.connect(address)
        speak(peer, index)
        peers.append(peer)
        if index % BURST == BURST - 1:
            peer.drained()
    return peers


def rendezvous(exam, number, first, rest, want, address):
    """All have begun before any may finish, and the last that came is the first to be answered: whoever serves fewer than
    `number` clients at a time never gets there."""
    with exam.during(f"{count(number, 'client')} had each sent the first part of a request"):
        peers = gather(exam, number, address, lambda peer, index: peer.send(_of(first, index)))
    for index in reversed(range(number)):
        with exam.during(f"{count(number, 'client')} had each sent the first part of a request, and client {index + 1} then the rest"):
            peers[index].send(_of(rest, index))
            answer = _of(want, index)
            exam.equal(peers[index].read_exactly(len(answer)), answer, "its answer")
    return peers


def slow_loris(exam, number, data, address):
    """Clients that drip, in turns, and never come to an end."""
    peers = gather(exam, number, address, lambda peer, _: peer.send(data[:1]))
    for place in range(1, len(data)):
        for peer in peers:
            peer.send(data[place : place + 1])
            peer.drained()
    return peers


def _of(value, index):
    return value(index) if callable(value) else value
