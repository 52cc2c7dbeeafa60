"""A bounded buffer, looked at in two ways.

Where only the order of whole calls matters, a background call has an ordinary thread beside the student's module. `exam.quiet()` returns
when every thread there waits for good, so that "it has not returned" is a fact and no guess; a thread that spins instead never gets quiet
and meets its processor limit. Where the moment between two operations matters, a scene of drivers/scenes.py is run under many schedules:
whatever is asserted of it holds in every one of them, in virtual time. Each scene is about one fault, and gives others no occasion.
"""


def fifo(exam):
    capacity = 5
    buffer = new(exam, capacity)
    twins = distinct(exam, 5)
    waiting = [None, 0, "", [1], *twins, *twins, *distinct(exam, 20)]
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
    exam.equal(any_order(rest[-2:]), any_order(late), "the items of the two threads that had to wait, in any order")

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
    got = any_order(get.result() for get in gets)
    exam.equal(got, any_order([one, other]), "two items were put; what the two threads have returned, in any order")


def many_to_many(exam):
    stored, first, second = distinct(exam, 4), distinct(exam, 2), distinct(exam, 2)
    everything = [*stored, *first, *second]
    with exam.during("two producers and two consumers at once, with room and items enough for all of them"):
        run = exam.explore(
            "drivers/scenes.py:mingle", module="buffer.py", capacity=len(everything), stored=stored, batches=[first, second], takes=2
        )
        run.always(lambda seen: nothing_lost(exam, seen, everything))
        run.history.linearizable(Fifo)


def wakes_the_right_one(exam):
    items = distinct(exam, 4)
    words = "two producers put two items each into a buffer of capacity 1, and one consumer takes them all"
    scene(exam, words, "through_one_place", lambda seen: all_came_through(exam, seen, items), batches=[items[:2], items[2:]])
    # Whether anybody waits for ever is all that is asked of these.
    scene(exam, "two threads call get, another puts two items", "an_item_for_each", items=items[:2])
    scene(exam, "two threads call put on a full buffer, another takes two items", "a_place_for_each", old=items[:2], late=items[2:])


def while_not_if(exam):
    first, second = distinct(exam, 2)
    words = "a thread waits in get, another puts an item, tries to take it back, and puts a second one"
    scene(exam, words, "stolen_item", lambda seen: item_for_each(exam, seen, first, second), first=first, second=second)
    old, late, quick = distinct(exam, 3)
    words = "capacity 1, a thread waits in put, another takes the item and puts one of its own with a time-out of 0"
    scene(exam, words, "stolen_place", lambda seen: room_for_one(exam, seen), old=old, late=late, quick=quick)


def timeout_total(exam):
    item, old, late, quick = distinct(exam, 4)
    seconds = exam.random.randint(6, 15)
    times = {"seconds": seconds, "after": exam.random.randint(seconds // 2 + 1, seconds - 2)}
    words = f"get with a time-out of {seconds} on an empty buffer"
    scene(exam, words, "item_in_between", lambda seen: in_time(exam, seen, item, "Empty", "an item", **times), item=item, **times)
    words = f"put with a time-out of {seconds} on a full buffer"
    check = lambda seen: in_time(exam, seen, None, "Full", "a place", **times)
    scene(exam, words, "place_in_between", check, old=old, late=late, quick=quick, **times)


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

    one, other = distinct(exam, 2)
    words = "one thread calls put on a full buffer, another get on an empty one, and a third closes both meanwhile"
    check = lambda seen: exam.equal(seen, ["Closed"] * 2, "what put and get met")
    scene(exam, words, "closed_meanwhile", check, old=one, late=other)
    words = "one thread puts two items into a buffer with room for both, another closes it meanwhile and takes items until there are none"
    scene(exam, words, "put_meanwhile", lambda seen: stored_or_refused(exam, seen), items=[one, other])


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
        exam.raises("Closed", buffer.get, timeout=0)

    buffer = new(exam, 7)
    for item in items:
        buffer.put(item)
    buffer.close()
    with exam.during("five items were put, then the buffer was closed"):
        exam.equal(list(exam.iterate(buffer)), items, "iterating over it")
        exam.equal(len(buffer), 0, "len() after that")

    words = "one thread puts two items and closes the buffer, while another iterates over it"
    scene(exam, words, "iterated", lambda seen: taken_one_by_one(exam, seen, items[:2]), items=items[:2])


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

    words = "two items were put and taken, and the buffer was closed; now two threads call done, and a third one join"
    check = lambda seen: exam.equal(seen, 2, "calls of done that had begun when join returned")
    scene(exam, words, "last_dones", check, count=2)


def scene(exam, words, name, check=lambda seen: None, **arguments):
    """A scene under many schedules. Besides the check, nobody may wait for ever.

    Who sleeps wakes up in the order of the clock: that sleeping is no way to wait is for `blocks-when-full` to say.
    """
    with exam.during(words):
        exam.explore(f"drivers/scenes.py:{name}", module="buffer.py", sleepers_may_wake=False, **arguments).always(check)


def new(exam, capacity):
    return exam.load("buffer.py").BoundedBuffer(capacity)


def distinct(exam, count):
    return exam.random.sample(range(10**6), count)


def any_order(items):
    """Items in a form in which they can be sorted, whatever they are."""
    return sorted(map(str, items))


def returned(tasks):
    """What the calls that have ended returned; one that raised fails the case with its traceback."""
    return [task.result() for task in tasks if task.done()]


def at_rest(exam):
    """Nothing moves any more, and nobody keeps looking whether something does."""
    if exam.quiet().polling:
        exam.fail("a thread that waits wakes up again and again to look; it must do nothing until another thread wakes it")


def still_waiting(exam, joins, when):
    at_rest(exam)
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
    *produced, one, other = seen["outcomes"]
    for outcome in produced:
        exam.equal(outcome, None, "what a producer met")
    for outcome in one, other:
        if not isinstance(outcome, list):
            exam.fail(f"a consumer met {outcome}")
    counts = f"{len(everything)} items were put and {len(one) + len(other)} taken"
    exam.equal(seen["left"], len(seen["rest"]), f"{counts}: len() after that")
    exam.equal(any_order([*one, *other, *seen["rest"]]), any_order(everything), "all that was taken in the end, in any order")


def all_came_through(exam, seen, items):
    for outcome in seen:
        if outcome is not None and not isinstance(outcome, list):
            exam.fail(f"a thread met {outcome}")
    exam.equal(any_order(seen[-1]), any_order(items), "what the consumer got, in any order")


def item_for_each(exam, seen, first, second):
    stolen = seen["stolen"] == first
    exam.equal(seen["stolen"], first if stolen else "Empty", "what the other's get with a time-out of 0 gave")
    then = "the first item was taken back" if stolen else "the first item was not to be had back"
    exam.equal(seen["waited"], second if stolen else first, f"{then}: what the first thread's get gave")


def room_for_one(exam, seen):
    exam.equal(seen["waited"], None, "what the first thread's put met")
    if not isinstance(seen["thief"], list):
        exam.fail(f"the other met {seen['thief']}")
    stolen, through = seen["thief"]
    if stolen is None:
        exam.equal(through, 0, "the other's put got the place: how many of the first thread's puts have returned then")
    else:
        exam.equal(stolen, "Full", "what the other's put met, since the first thread had been quicker")


def in_time(exam, seen, success, failure, thing, seconds, after):
    outcome, ended = seen["waited"]
    stolen = seen["stolen"] != failure
    then = f"after {after} seconds there is {thing}{', which another thread takes at once' if stolen else ''}"
    if outcome == failure:
        if not stolen:
            exam.fail(f"{then}: {failure} was raised, though it was there in time")
        if not seconds <= ended < seconds + 1:
            exam.fail(f"{then}: {failure} was to be raised {seconds} seconds after the call, but was {ended:.1f} seconds after it")
    else:
        exam.equal(outcome, success, f"{then}: what the first thread met")


def stored_or_refused(exam, seen):
    if not isinstance(seen["puts"], list):
        exam.fail(f"the first thread met {seen['puts']}")
    for outcome in seen["puts"]:
        if outcome not in (None, "Closed"):
            exam.fail(f"a put met {outcome}")
    exam.equal(seen["end"], "Closed", "get had raised Closed before; what it gave in the end")


def taken_one_by_one(exam, seen, items):
    exam.equal(seen["taken"], items, "what the iteration gave")
    if "ValueError" in seen["done"]:
        exam.fail("done, called once for each item, raised ValueError; iterating takes the items and is not to call done")
