"""A bounded buffer, called from several threads and looked at when nothing moves any more.

A background call has a thread of its own beside the student's module. `exam.quiet()` returns when every thread there waits for good, so
that "it has not returned" is a fact and no guess; a thread that spins instead never gets quiet and meets its processor limit.
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
