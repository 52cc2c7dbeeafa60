"""Small scenes for two to four threads. Each says what was seen and decides nothing.

Code of this file has no points of its own: between two calls of the student's it is not interrupted. Who sleeps may wake up early by
the order of things, though never by the clock; so a scene that counts seconds lets the other one begin to wait first.
"""

import time


def mingle(buffer, capacity, stored, batches, takes):
    """Producers and consumers at once, with so many items and so much room that nobody ever has to wait."""
    shared = buffer.BoundedBuffer(capacity)

    def keep(item):
        put(shared, item)

    for item in stored:
        call("put", keep, item)

    def produce(batch):
        for item in batch:
            call("put", keep, item)

    def consume():
        taken = []
        for _ in range(takes):
            taken.append(call("get", shared.get))
            call("len", shared.__len__)
        return taken

    producers = [lambda batch=batch: produce(batch) for batch in batches]
    outcomes = threads(*producers, consume, consume)
    left = said(attempt(len, shared))
    rest = [said(attempt(shared.get, timeout=0)) for _ in range(len(stored) + sum(map(len, batches)) - 2 * takes)]
    return {"outcomes": [said(outcome) for outcome in outcomes], "left": left, "rest": rest}


def through_one_place(buffer, batches):
    """Producers share one place, and one consumer takes all that they put."""
    shared = buffer.BoundedBuffer(1)

    def produce(batch):
        for item in batch:
            shared.put(item)

    def consume():
        return [shared.get() for batch in batches for _ in batch]

    producers = [lambda batch=batch: produce(batch) for batch in batches]
    return [said(outcome) for outcome in threads(*producers, consume)]


def an_item_for_each(buffer, items):
    """As many consumers as there are items, and one who puts them all at once."""
    shared = buffer.BoundedBuffer(len(items))

    def produce():
        for item in items:
            shared.put(item)

    threads(*[shared.get] * len(items), produce)


def a_place_for_each(buffer, old, late):
    """A full buffer, somebody who wants in for each item, and one who takes them all at once."""
    shared = buffer.BoundedBuffer(len(old))
    for item in old:
        shared.put(item)

    def consume():
        for _ in old:
            shared.get()

    threads(*(lambda item=item: shared.put(item) for item in late), consume)


def stolen_item(buffer, first, second):
    """One waits for an item; another puts one, tries to take it back, and puts a second one."""
    shared = buffer.BoundedBuffer(2)

    def steal():
        shared.put(first)
        stolen = attempt(shared.get, timeout=0)
        shared.put(second)
        return stolen

    waited, stolen = threads(shared.get, steal)
    return {"waited": said(waited), "stolen": said(stolen)}


def stolen_place(buffer, old, late, quick):
    """One waits for room; another takes the item, tries to put one of its own, and looks when nobody can move any more."""
    shared = buffer.BoundedBuffer(1)
    shared.put(old)
    through = []

    def wait():
        put(shared, late)
        through.append(1)

    def steal():
        shared.get()
        stolen = attempt(put, shared, quick, timeout=0)
        settle()
        seen = len(through)
        shared.get()
        return [said(stolen), seen]

    waited, seen = threads(wait, steal)
    return {"waited": said(waited), "thief": said(seen)}


def item_in_between(buffer, item, seconds, after):
    """One waits for an item that long; another puts one after a while and tries to take it back."""
    shared = buffer.BoundedBuffer(2)

    def steal():
        settle()
        time.sleep(after)
        shared.put(item)
        return attempt(shared.get, timeout=0)

    return watched(lambda: shared.get(timeout=seconds), steal)


def place_in_between(buffer, old, late, quick, seconds, after):
    """One waits for room that long; another takes an item after a while and tries to put one of its own."""
    shared = buffer.BoundedBuffer(1)
    shared.put(old)

    def steal():
        settle()
        time.sleep(after)
        shared.get()
        return attempt(put, shared, quick, timeout=0)

    return watched(lambda: put(shared, late, timeout=seconds), steal)


def closed_meanwhile(buffer, old, late):
    """A full buffer and an empty one, each with somebody who has to wait there, and one who closes them both."""
    full, empty = buffer.BoundedBuffer(1), buffer.BoundedBuffer(1)
    full.put(old)

    def close():
        full.close()
        empty.close()

    return [said(outcome) for outcome in threads(lambda: put(full, late), empty.get, close)[:2]]


def put_meanwhile(buffer, items):
    """One puts into a buffer with room for all of it; another closes it and takes until there is nothing, and again in the end."""
    shared = buffer.BoundedBuffer(len(items))

    def take():
        for _ in range(len(items) + 1):
            if isinstance(attempt(shared.get), Exception):
                break

    def close():
        shared.close()
        take()

    puts, _ = threads(lambda: [said(attempt(put, shared, item)) for item in items], close)
    return {"puts": said(puts), "end": said(attempt(shared.get))}


def iterated(buffer, items):
    """One iterates, another puts some items and closes; then done is called for each."""
    shared = buffer.BoundedBuffer(len(items))

    def produce():
        for item in items:
            shared.put(item)
        shared.close()

    taken, _ = threads(lambda: list(shared), produce)
    return {"taken": said(taken), "done": [said(attempt(shared.done)) for _ in items]}


def last_dones(buffer, count):
    """Items are put and taken, the buffer is closed, a put fails; then as many threads call done as there were items, beside one in join."""
    shared = buffer.BoundedBuffer(count + 1)
    begun = []

    def done():
        begun.append(1)
        shared.done()

    def join():
        shared.join()
        return len(begun)

    for item in range(count):
        shared.put(item)
    for _ in range(count):
        shared.get()
    shared.close()
    if attempt(put, shared, count) is None:
        shared.done()
    *_, seen = threads(*[done] * count, join)
    return said(seen)


def watched(wait, steal):
    """What the first meets, and after how many seconds; and what the second does."""
    start = clock()

    def timed():
        outcome = said(attempt(wait))
        return outcome, clock() - start

    waited, stolen = threads(timed, steal)
    return {"waited": list(waited), "stolen": said(stolen)}


def put(shared, item, **named):
    """What put returns is not looked at."""
    shared.put(item, **named)


def attempt(function, *arguments, **named):
    try:
        return function(*arguments, **named)
    except Exception as error:
        return error


def said(outcome):
    """An outcome as the suite can read it: what is plain as it is, an exception or another object by the name of its type."""
    if isinstance(outcome, list):
        return [said(part) for part in outcome]
    plain = outcome is None or type(outcome) in (bool, str) or type(outcome) is int and outcome.bit_length() < 64
    return outcome if plain else type(outcome).__name__
