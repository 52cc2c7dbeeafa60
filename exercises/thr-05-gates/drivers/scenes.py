"""Small scenes for two to five threads. Each says what was seen and decides nothing.

Code of this file has no points of its own: between two calls of the student's it is not interrupted.
"""

import threading


class Trouble(Exception):
    pass


def crowd(gates, places, visitors):
    """Visitors of a limiter who stay inside until nobody can move any more, and then leave; then there is room for as many again."""
    limiter = gates.Limiter(places)
    door = threading.Lock()
    door.acquire()
    inside, seen = set(), {"most": 0}

    def visit(name):
        with limiter:
            inside.add(name)
            seen["most"] = max(seen["most"], len(inside))
            with door:
                inside.remove(name)

    def look():
        settle()
        seen["settled"] = len(inside)
        door.release()

    threads(*(lambda name=name: visit(name) for name in range(visitors)), look)
    for _ in range(places):
        limiter.acquire()
    return seen


def queue_of_visitors(gates, visitors):
    """Visitors of a limiter with one place, who come and go at any moment."""
    limiter = gates.Limiter(1)
    inside, seen = set(), {"most": 0}

    def visit(name):
        with limiter:
            inside.add(name)
            seen["most"] = max(seen["most"], len(inside))
            pause()
            inside.remove(name)

    threads(*(lambda name=name: visit(name) for name in range(visitors)))
    return seen


def countdown(gates, events):
    """Threads that count down once each, beside one that waits."""
    latch = gates.Latch(events)
    begun = []

    def count():
        begun.append(1)
        latch.count_down()

    def wait():
        latch.wait()
        return len(begun)

    *_, seen = threads(*[count] * events, wait)
    return said(seen)


def laps(gates, parties, rounds):
    """Threads that meet again and again: who went on before all had come, and the indices of each round."""
    barrier = gates.CyclicBarrier(parties)
    arrived = [0] * rounds
    early = []
    indices = [[] for _ in range(rounds)]

    def run():
        for number in range(rounds):
            arrived[number] += 1
            indices[number].append(said(attempt(barrier.wait)))
            if arrived[number] < parties:
                early.append(number + 1)

    threads(*[run] * parties)
    return {"early": early, "indices": indices}


def acted(gates, parties):
    """What a barrier's action sees of those who have come and of those who are through; and how often it runs in three rounds of one."""
    arrived, through, seen, alone = [], [], [], []
    barrier = gates.CyclicBarrier(parties, lambda: seen.append([len(arrived), len(through)]))

    def run():
        arrived.append(1)
        barrier.wait()
        through.append(1)

    threads(*[run] * parties)
    lonely = gates.CyclicBarrier(1, lambda: alone.append(1))
    for _ in range(3):
        lonely.wait()
    return {"round": seen, "alone": len(alone)}


def action_fails(gates, parties, kind):
    """A round whose action raises, and what a later call then meets."""

    def action():
        raise {"Trouble": Trouble, "SystemExit": SystemExit}[kind]

    barrier = gates.CyclicBarrier(parties, action)
    return {"round": [said(outcome) for outcome in threads(*[barrier.wait] * parties)], "later": said(attempt(barrier.wait))}


def afterwards(gates, method):
    """Two threads complete a round, and one of them calls `method` of the barrier once it is through: what was raised."""
    barrier = gates.CyclicBarrier(2)

    def wait_and_act():
        index = barrier.wait()
        getattr(barrier, method)()
        return index

    return [said(outcome) for outcome in threads(barrier.wait, wait_and_act) if isinstance(outcome, BaseException)]


def sent_away(gates):
    """One waits and is sent away by a reset; two more are the next round, the second of them when nobody can move any more."""
    barrier = gates.CyclicBarrier(2)
    whole = threading.Lock()
    whole.acquire()
    through = []

    def come():
        index = attempt(barrier.wait)
        through.append(1)
        return index

    def reset_and_come():
        settle()
        barrier.reset()
        whole.release()
        return come()

    def come_last():
        with whole:
            settle()
        seen = len(through)
        return seen, come()

    waited, index, last = threads(barrier.wait, reset_and_come, come_last)
    seen, other = last if isinstance(last, tuple) else (None, last)
    return {"waited": said(waited), "through": seen, "round": said([index, other])}


def one_too_few(gates, seconds):
    """Two of three come, and the second one has a time-out: what each meets, when it does, and what a later call meets."""
    barrier = gates.CyclicBarrier(3)

    def wait(*arguments):
        outcome = said(attempt(barrier.wait, *arguments))
        return outcome, clock() - start

    start = clock()
    met = threads(wait, lambda: wait(seconds))
    return {"met": [[outcome, after] for outcome, after in met], "later": said(attempt(barrier.wait))}


def slow_action(gates, seconds):
    """A time-out passes while the action of the complete round is still at work."""
    forever = threading.Lock()
    forever.acquire()
    # Waits by the clock, like the one with the time-out; a time-out that is due first fires first.
    barrier = gates.CyclicBarrier(2, lambda: forever.acquire(timeout=2 * seconds))

    def come_second():
        settle()
        return barrier.wait()

    return [said(outcome) for outcome in threads(lambda: barrier.wait(seconds), come_second)]


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return error


def said(outcome):
    """An outcome as the suite can read it: what is plain as it is, an exception or another object by the name of its type."""
    if isinstance(outcome, list):
        return [said(part) for part in outcome]
    plain = outcome is None or type(outcome) in (bool, str) or type(outcome) is int and outcome.bit_length() < 64
    return outcome if plain else type(outcome).__name__
