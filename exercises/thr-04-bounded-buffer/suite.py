"""A bounded buffer, looked at in two ways.

Where only the order of whole calls matters, a background call has an ordinary thread beside the student's module. `exam.quiet()` returns
when every thread there waits for good, so that "it has not returned" is a fact and no guess; a thread that spins instead never gets quiet
and meets its processor limit. Where the moment between two operations matters, a scene of drivers/scenes.py is run under many schedules:
whatever is asserted of it holds in every one of them, in virtual time. Each scene is about one fault, and gives others no occasion.
"""


def fifo(exam):
    capacity = 5
    buffer = new(exam, capacity)
    waiting = [None, 0, "", *distinct(exam, 30)]
    exam.random.shuffle(waiting)
    inside, taken = [], 0
    while waiting or inside:
        fill = waiting and len(inside) < capacity and (not inside or exam.random.random() < 0.6)
        if fill:
            inside.append(waiting.pop())
            buffer.put(inside[-1])
        else:
            taken += 1
            with exam.during(f"put and get in a random order by one thread, {len(inside)} items inside"):
                exam.equal(buffer.get(), inside.pop(0), f"get number {taken}")
        exam.equal(len(buffer), len(inside), f"len() after a {'put' if fill else 'get'}, by one thread")


def blocks_when_full(exam):
    capacity = exam.random.randint(2, 4)
    buffer = new(exam, capacity)
    full = f"a buffer of capacity {capacity} with {capacity} items in it"
    first, late = distinct(exam, capacity), distinct(exam, 2)
    for item in first:
        buffer.put(item)
    with exam.during(full):
        exam.raises("Full", buffer.put, late[0], timeout=0)

    puts = [exam.background(buffer.put, item) for item in late]
    at_rest(exam)
    exam.equal(len(returned(puts)), 0, f"{full}: two threads call put; how many of them have returned")
    exam.equal(len(buffer), capacity, f"{full}, and two threads that wait in put: len()")
    exam.equal(buffer.get(), first[0], f"{full}: get returns the first one")
    at_rest(exam)
    exam.equal(len(returned(puts)), 1, "one item was taken while two threads waited in put; how many of them have returned")
    rest = [buffer.get() for _ in range(capacity + 1)]
    exam.equal(rest[:-2], first[1:], "the items that were put before the buffer was full, in order")
    exam.equal(sorted(rest[-2:]), sorted(late), "the items of the two threads that had to wait, in either order")

    with exam.during("an empty buffer"):
        exam.raises("Empty", buffer.get, timeout=0)
    gets = [exam.background(buffer.get) for _ in range(2)]
    at_rest(exam)
    exam.equal(len(returned(gets)), 0, "two threads call get on an empty buffer; how many of them have returned")
    one, other = distinct(exam, 2)
    buffer.put(one)
    at_rest(exam)
    exam.equal(returned(gets), [one], "one item was put while two threads waited in get; what they have returned")
    buffer.put(other)
    exam.equal(sorted(get.result() for get in gets), sorted([one, other]), "two items were put; what the two threads have returned")


def many_to_many(exam):
    stored, first, second = distinct(exam, 4), distinct(exam, 2), distinct(exam, 2)
    everything = [*stored, *first, *second]
    run = exam.explore(
        "drivers/scenes.py:mingle", module="buffer.py", capacity=len(everything), stored=stored, batches=[first, second], takes=2
    )
    run.always(lambda seen: nothing_lost(exam, seen, everything))
    run.history.linearizable(Fifo)


def wakes_the_right_one(exam):
    items = distinct(exam, 4)
    exam.explore("drivers/scenes.py:through_one_place", module="buffer.py", batches=[items[:2], items[2:]]).always(
        lambda seen: exam.equal(
            sorted(map(str, seen[-1])) if isinstance(seen[-1], list) else seen[-1],
            sorted(map(str, items)),
            "two producers put two items each into a buffer of capacity 1: what the consumer got, in any order",
        )
    )


def while_not_if(exam):
    first, second = distinct(exam, 2)
    exam.explore("drivers/scenes.py:stolen_item", module="buffer.py", first=first, second=second).always(
        lambda seen: item_for_each(exam, seen, first, second)
    )
    old, late, quick = distinct(exam, 3)
    exam.explore("drivers/scenes.py:stolen_place", module="buffer.py", old=old, late=late, quick=quick).always(
        lambda seen: room_for_one(exam, seen)
    )


def timeout_total(exam):
    item, old, late, quick = distinct(exam, 4)
    seconds = exam.random.randint(10, 50)
    times = {"seconds": seconds, "after": exam.random.randint(seconds // 2 + 1, seconds - 2)}
    exam.explore("drivers/scenes.py:item_in_between", module="buffer.py", item=item, **times).always(
        lambda seen: in_time(exam, seen, item, "Empty", f"get with a time-out of {seconds} on an empty buffer", "item", **times)
    )
    exam.explore("drivers/scenes.py:place_in_between", module="buffer.py", old=old, late=late, quick=quick, **times).always(
        lambda seen: in_time(exam, seen, None, "Full", f"put with a time-out of {seconds} on a full buffer", "place", **times)
    )


def close_wakes_all(exam):
    empty = new(exam, 2)
    gets = [exam.background(empty.get) for _ in range(3)]
    exam.quiet()
    exam.equal(len(returned(gets)), 0, "three threads call get on an empty buffer; how many of them have returned")
    empty.close()
    with exam.during("three threads waited in get on an empty buffer, and it was closed"):
        for get in gets:
            get.raises("Closed")

    full = new(exam, 2)
    inside, late = distinct(exam, 2), distinct(exam, 3)
    for item in inside:
        full.put(item)
    puts = [exam.background(full.put, item) for item in late]
    exam.quiet()
    exam.equal(len(returned(puts)), 0, "three threads call put on a full buffer; how many of them have returned")
    full.close()
    with exam.during("three threads waited in put on a full buffer of capacity 2, and it was closed"):
        for put in puts:
            put.raises("Closed")
        exam.equal(len(full), 2, "len() after that")
        full.close()
        exam.raises("Closed", full.put, late[0], timeout=0)

    roomy = new(exam, 2)
    roomy.close()
    with exam.during("an empty buffer was closed"):
        exam.raises("Closed", roomy.put, late[1])


def drain_after_close(exam):
    items = distinct(exam, 5)
    buffer = new(exam, 7)
    for item in items:
        buffer.put(item)
    buffer.close()
    with exam.during("five items were put, then the buffer was closed"):
        for number, item in enumerate(items, 1):
            exam.equal(buffer.get(), item, f"get number {number}")
        exam.raises("Closed", buffer.get)

    buffer = new(exam, 7)
    for item in items:
        buffer.put(item)
    buffer.close()
    with exam.during("five items were put, then the buffer was closed"):
        exam.equal(list(exam.iterate(buffer)), items, "iterating over it")


def join(exam):
    count = exam.random.randint(3, 5)
    buffer = new(exam, count)
    buffer.join()
    for item in distinct(exam, count):
        buffer.put(item)
    joins = [exam.background(buffer.join) for _ in range(2)]
    still_waiting(exam, joins, f"{count} items were put")
    for _ in range(count):
        buffer.get()
    still_waiting(exam, joins, f"{count} items were put and taken, and done was not called")
    for _ in range(count - 1):
        buffer.done()
    still_waiting(exam, joins, f"{count} items were put and taken, and done was called {count - 1} times")
    buffer.done()
    exam.quiet()
    exam.equal(len(returned(joins)), 2, f"done was called {count} times, once for each item: how many of two joins have returned")
    exam.raises("ValueError", buffer.done)

    buffer.put(count)
    again = [exam.background(buffer.join)]
    still_waiting(exam, again, "all was done, and one more item was put")
    buffer.get()
    buffer.done()
    again[0].result()


def new(exam, capacity):
    return exam.load("buffer.py").BoundedBuffer(capacity)


def distinct(exam, count):
    return exam.random.sample(range(10**6), count)


def returned(tasks):
    """What the calls that have ended returned; one that raised fails the case with its traceback."""
    return [task.result() for task in tasks if task.done()]


def at_rest(exam):
    """Nothing moves any more, and nobody keeps looking whether something does."""
    if exam.quiet().polling:
        exam.fail("a thread that waits in put or get wakes up again and again to look; it must do nothing until another thread wakes it")


def still_waiting(exam, joins, when):
    exam.quiet()
    exam.equal(len(returned(joins)), 0, f"{when}: how many joins have returned")


class Fifo:
    """What one thread after the other would see, with room for everything."""

    initial = []

    def step(self, state, operation, arguments):
        if operation == "put":
            return [*state, *arguments], None
        if operation == "len":
            return state, len(state)
        return state[1:], state[0]


def nothing_lost(exam, seen, everything):
    scene = "two producers and two consumers at once, with room and items enough for all of them"
    *produced, one, other = seen["outcomes"]
    for outcome in produced:
        exam.equal(outcome, None, f"{scene}: what a producer met")
    for outcome in one, other:
        if not isinstance(outcome, list):
            exam.fail(f"{scene}: a consumer met {outcome}")
    exam.equal(seen["left"], len(seen["rest"]), f"{scene}, {len(everything)} items put and {len(one) + len(other)} taken: len() after that")
    taken = [*one, *other, *seen["rest"]]
    exam.equal(sorted(map(str, taken)), sorted(map(str, everything)), f"{scene}: all that was taken in the end, in any order")


def item_for_each(exam, seen, first, second):
    stolen = seen["stolen"] == first
    scene = f"a thread waits in get, another puts an item{' and takes it back' if stolen else ''}, and puts a second one"
    exam.equal(seen["waited"], second if stolen else first, f"{scene}: what the first thread's get gave")
    exam.equal(seen["stolen"], first if stolen else "Empty", f"{scene}: what the other's get with a time-out of 0 gave")


def room_for_one(exam, seen):
    scene = "capacity 1, a thread waits in put, another takes the item and puts one of its own with a time-out of 0"
    exam.equal(seen["waited"], None, f"{scene}: what the first thread's put met")
    if not isinstance(seen["thief"], list):
        exam.fail(f"{scene}: it met {seen['thief']}")
    stolen, through = seen["thief"]
    if stolen is None:
        exam.equal(through, 0, f"{scene}, which got the place: how many other puts have returned then")
    else:
        exam.equal(stolen, "Full", f"{scene}: what its put met, since the first thread had been quicker")


def in_time(exam, seen, success, failure, call, thing, seconds, after):
    outcome, ended = seen["waited"]
    stolen = seen["stolen"] != failure
    then = f"after {after} seconds there is {'an item' if thing == 'item' else 'a place'}"
    scene = f"{call}; {then}{', which another thread takes at once' if stolen else ''}"
    if outcome == failure:
        if not stolen:
            exam.fail(f"{scene}: {failure} was raised, though the {thing} was there in time")
        if not seconds <= ended < seconds + 1:
            exam.fail(f"{scene}: {failure} was to be raised {seconds} seconds after the call, but was {ended:.1f} seconds after it")
    else:
        exam.equal(outcome, success, f"{scene}: what the first thread met")
