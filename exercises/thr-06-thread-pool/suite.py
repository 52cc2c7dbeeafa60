"""A pool of threads, looked at in two ways.

Who is at work at the same time is seen at a gate: a call that entered it stays at work until the case lets it go, and `exam.quiet()`
tells when nothing more comes. Where the moment between two operations matters (a call that is cancelled while it begins, a callback that is
added while the call ends, a submit beside a shutdown), a scene of drivers/scenes.py is run under many schedules: whatever is asserted of it
holds in every one of them.

Cases that are not about several workers use a pool of one, so that a fault in how many there are, or in how they all go home, is found
by the case that is about it.
"""


def results(exam):
    pool, jobs, gate = lab(exam, 1)
    given = words(exam, 3)
    with exam.during("a call that joins three words"):
        future = pool.submit(exam.get(jobs, "join"), *given)
        for _ in range(2):
            exam.equal(future.result(), " ".join(given), "result()")
        exam.equal(future.error(), None, "error()")
        exam.equal(future.done(), True, "done() after result()")
    nothing = pool.submit(exam.get(jobs, "nothing"))
    exam.equal(nothing.result(), None, "result() of a call that returns None")

    label = words(exam, 1)[0]
    future = pool.submit(exam.get(jobs, "stay"), label)
    gate.inside(1)
    with exam.during("a call that is at work"):
        exam.equal(future.done(), False, "done()")
        exam.raises("TimeoutError", future.result, timeout=0)
    waits = [exam.background(future.result) for _ in range(2)]
    exam.quiet()
    exam.equal(sum(wait.done() for wait in waits), 0, "two threads wait for the result of a call at work: how many have it")
    gate.open()
    exam.equal([wait.result() for wait in waits], [label + "!"] * 2, "what two threads that waited for the same result got")

    number, seconds = exam.random.randrange(10**6), exam.random.randint(5, 15)
    check = lambda seen: exam.equal(seen, [number, number, None], "what they got")
    scene(exam, "two threads ask for the result of a call that may just end, and a third for its error", "asked", check, number=number)
    doing = f"result with a time-out of {seconds} of a call that takes longer"
    scene(exam, doing, "asked_too_early", lambda seen: gave_up_in_time(exam, seen, seconds), seconds=seconds)


def map_order(exam):
    pool, jobs, gate = lab(exam, 4)
    labels = words(exam, 3)
    mapped = exam.background(pool.map, exam.get(jobs, "stay"), labels)
    gate.inside(3)
    for label in reversed(labels):
        gate.let_go(label)
        exam.quiet()
    results = as_list(exam, mapped.result())
    exam.equal(results, [label + "!" for label in labels], "map over three words; the calls ended in the opposite order")

    more = words(exam, 6)
    mapped = exam.background(pool.map, exam.get(jobs, "stay"), jobs.each(more))
    exam.quiet()
    begun = len(gate.now())
    if 0 < begun < len(more):
        gate.let_go()
        exam.quiet()
        exam.equal(len(gate.now()), begun, f"map over six words, of which {begun} were at work; one has ended: how many are at work then")
    gate.open()
    results = as_list(exam, mapped.result())
    exam.equal(results, [label + "!" for label in more], "map over an iterator of six words")


def n_at_once(exam):
    size = exam.random.randint(2, 4)
    labels = words(exam, size + 2)
    gate, jobs = gated_jobs(exam)
    module = exam.load("pool.py")
    before = threads(exam)
    pool = module.ThreadPool(size)
    stay = exam.get(jobs, "stay")
    futures = [pool.submit(stay, label) for label in labels[:size]]
    gate.inside(size)
    futures += [pool.submit(stay, label) for label in labels[size:]]
    exam.quiet()
    exam.equal(len(gate.now()), size, f"a ThreadPool({size}) with {size + 2} calls: how many are at work")
    assert threads(exam) <= before + size, f"a ThreadPool({size}) with {size + 2} calls made {threads(exam) - before} threads"
    for label in labels[size:]:
        gate.let_go()
        exam.quiet()
        exam.equal(len(gate.now()), size, f"one of {size} calls at work has ended and more wait: how many are at work")
        exam.equal(gate.entered[-1], label, f"one of {size} calls at work has ended: which of those that wait was next")
    gate.open()
    exam.equal([future.result() for future in futures], [label + "!" for label in labels], "the results in the end")

    doing = "a ThreadPool(2) with a call that ends at once and two that do not"
    scene(exam, doing, "all_at_work", lambda seen: exam.equal(seen, 2, "how many are at work when nobody can move any more"))


def failing_task(exam):
    pool, jobs, gate = lab(exam, 3)
    word = words(exam, 1)[0]
    for kind in "ValueError", "Trouble", "SystemExit", "KeyboardInterrupt":
        future = pool.submit(exam.get(jobs, "fail"), kind, word)
        with exam.during(f"a call that raises {kind}({word!r})"):
            raised = exam.raises(kind, future.result)
            exam.equal(raised.text, word, f"the text of the {kind} that result() raised")
            error = future.error()
            exam.equal(getattr(error, "_kind", error), kind, "the type of what error() returned")
            exam.equal(future.done(), True, "done()")
    kinds = ["ValueError", "Trouble"]
    exam.random.shuffle(kinds)
    mapped = exam.background(pool.map, exam.get(jobs, "fall"), kinds)
    gate.inside(1)
    exam.quiet()
    with exam.during(f"map of two items, the second of which raises {kinds[1]} before the first one raises {kinds[0]}"):
        if kinds[1] in gate.now():
            gate.let_go(kinds[1])
            exam.quiet()
        gate.let_go(kinds[0])
        mapped.raises(kinds[0])
    for label in words(exam, 2):
        pool.submit(exam.get(jobs, "stay"), label)
    with exam.during("a ThreadPool(3) after six calls that raised"):
        gate.inside(2)


def shutdown_drains(exam):
    pool, jobs, gate = lab(exam, 1)
    labels = words(exam, 3)
    futures = [pool.submit(exam.get(jobs, "stay"), label) for label in labels]
    gate.inside(1)
    pool.shutdown(wait=False)
    shutdown = exam.background(pool.shutdown)
    exam.quiet()
    assert not shutdown.done(), "shutdown() returned while a call was at work and two more waited"
    gate.open()
    shutdown.result()
    exam.equal([future.done() for future in futures], [True] * 3, "done() of three calls, one at work and two waiting, after shutdown()")
    exam.equal(sorted(gate.entered), sorted(labels), "the calls that have run after shutdown()")

    given = words(exam, 3)
    with exam.during("three calls submitted inside a with statement"):
        left = exam.drive("drivers/beside.py:leave", "pool.py", words=given)
        exam.equal(left, [[True, word.upper()] for word in given], "done() and result() of each after it")
    with exam.during("a call submitted inside a with statement that then raises Trouble"):
        left = exam.drive("drivers/beside.py:leave_by_an_error", "pool.py", word=given[0])
        exam.equal(left, ["Trouble", True], "what came out of the with statement, and done() after it")

    doing = "one thread submits two calls while another shuts down"
    scene(exam, doing, "late_submit", lambda seen: taken_or_refused(exam, seen), numbers=[1, 2])


def cancel_pending(exam):
    pool, jobs, gate = lab(exam, 1)
    labels = words(exam, 3)
    stay = exam.get(jobs, "stay")
    running = pool.submit(stay, labels[0])
    gate.inside(1)
    pending, last = [pool.submit(stay, label) for label in labels[1:]]
    waits = [exam.background(pending.result), exam.background(pending.error)]
    exam.quiet()
    with exam.during("a call that waits for its turn"):
        for number in "first", "second":
            exam.equal(pending.cancel(), True, f"cancel() for the {number} time")
        exam.equal(pending.done(), True, "done() after cancel()")
    with exam.during("two threads waited in result() and error() of a call that was then cancelled"):
        for wait in waits:
            wait.raises("Cancelled")
    exam.equal(running.cancel(), False, "cancel() of a call that is at work")
    gate.open()
    results = [running.result(), last.result()]
    exam.equal(results, [labels[0] + "!", labels[2] + "!"], "results of the calls before and after one that was cancelled")
    exam.equal(last.cancel(), False, "cancel() of a call that has ended")
    exam.equal(gate.entered, [labels[0], labels[2]], "which of three calls have begun; the second was cancelled")

    pool, jobs, gate = lab(exam, 1)
    labels = words(exam, 3)
    stay = exam.get(jobs, "stay")
    running = pool.submit(stay, labels[0])
    gate.inside(1)
    pending = [pool.submit(stay, label) for label in labels[1:]]
    shutdown = exam.background(pool.shutdown, cancel=True)
    with exam.during("shutdown(cancel=True) while one call is at work and two wait"):
        exam.quiet()
        exam.equal([future.done() for future in [running, *pending]], [False, True, True], "done() of the three")
        for future in pending:
            exam.raises("Cancelled", future.result)
        gate.open()
        shutdown.result()
        exam.equal(running.result(), labels[0] + "!", "the result of the one at work")

    number = exam.random.randrange(10**6)
    scene(exam, "two threads cancel a call that may just begin", "late_cancel", lambda seen: run_or_cancelled(exam, seen), number=number)


def after_shutdown(exam):
    pool, jobs, _ = lab(exam, 1)
    given = words(exam, 2)
    future = pool.submit(exam.get(jobs, "join"), *given)
    # Whether what has not begun is still done is for another case.
    exam.quiet()
    for _ in range(2):
        pool.shutdown()
    with exam.during("after shutdown()"):
        exam.raises("RuntimeError", pool.submit, exam.get(jobs, "nothing"))
        exam.raises("RuntimeError", pool.map, exam.get(jobs, "stay"), given)
        exam.equal(future.result(), " ".join(given), "the result of a call that was submitted before it")


def callback_error(exam):
    word = words(exam, 1)[0]
    seen = exam.drive("drivers/beside.py:callbacks", "pool.py", word=word)
    with exam.during("a future with a callback, one that raises Trouble, one that raises SystemExit, and a last one"):
        told = [[name, True, True, word] for name in ("first", "Trouble", "SystemExit", "last")]
        exam.equal(seen[:1], [[]], "callbacks called before the call has ended")
        exam.equal(seen[1:2], [told], "[which callback, whether it got the future, its done(), its result()]")
        exam.equal(seen[2:3], [[["late", True, True, word]]], "a callback that was added after the call had ended")
        exam.equal(seen[3:4], [None], "what add_callback raised for a callback that was added after the end and raises")
        exam.equal(seen[4:], [word, word.upper()], "result() afterwards, and that of the next call in this pool")
    with exam.during("a call with two callbacks, the first of which raises, is cancelled"):
        seen = exam.drive("drivers/beside.py:callbacks_of_a_cancelled", "pool.py")
        exam.equal(seen, [None, [True, True]], "what cancel() raised, and done() in each call of a callback")


def callback_once(exam):
    number = exam.random.randrange(10**6)
    check = lambda seen: exam.equal(seen, [True], "for each call of it, whether it got the future")
    scene(exam, "a callback is added while the call may just end", "late_callback", check, number=number)


def nested_submit(exam):
    count, number = exam.random.randint(10, 20), exam.random.randrange(10**6)
    with exam.during(f"a call in a ThreadPool(1) that submits {count} others"):
        results = exam.drive("drivers/beside.py:nested", "pool.py", count=count)
        exam.equal(results, [number * number for number in range(count)], "their results")
    with exam.during("a callback that submits to its own ThreadPool(1)"):
        exam.equal(exam.drive("drivers/beside.py:nested_in_callback", "pool.py", number=number), number + 1, "the result")


def idle_is_idle(exam):
    pool, jobs, _ = lab(exam, 3)
    given = words(exam, 3)
    for _ in range(5):
        exam.equal(pool.submit(exam.get(jobs, "join"), *given).result(), " ".join(given), "the result of a call")
    if exam.quiet().polling:
        exam.fail("a ThreadPool(3) without a call: a thread wakes up again and again to look; it must do nothing until there is one")


def no_threads_left(exam):
    size = exam.random.randint(2, 4)
    gate, jobs = gated_jobs(exam)
    module = exam.load("pool.py")
    before = threads(exam)
    pool = module.ThreadPool(size)
    for label in words(exam, size):
        pool.submit(exam.get(jobs, "stay"), label)
    gate.inside(1)
    gate.open()
    pool.shutdown()
    exam.quiet()
    exam.equal(threads(exam) - before, 0, f"a ThreadPool({size}) was used and shut down: how many threads are left")

    for size, calls in (2, 1), (2, 3):
        doing = f"a ThreadPool({size}) is given {calls} calls and shut down"
        scene(exam, doing, "goes_home", lambda seen: exam.equal(seen, 0, "how many threads have not ended then"), size=size, calls=calls)


def scene(exam, words, name, check, **arguments):
    """A scene under many schedules. Besides the check, nobody may wait for ever.

    Who sleeps wakes up in the order of the clock: that sleeping is no way to wait is for `idle-is-idle` to say.
    """
    with exam.during(words):
        exam.explore(f"drivers/scenes.py:{name}", module="pool.py", sleepers_may_wake=False, **arguments).always(check)


def lab(exam, size):
    """A pool, functions to submit, and the gate that `stay` goes through."""
    gate, jobs = gated_jobs(exam)
    return exam.load("pool.py").ThreadPool(size), jobs, gate


def gated_jobs(exam):
    gate = exam.gate()
    return gate, exam.drive("drivers/beside.py:jobs", gate=gate.code)


def words(exam, count):
    return [f"{number:06d}" for number in exam.random.sample(range(10**6), count)]


def threads(exam):
    return sum(len(process.threads) for process in exam.processes())


def as_list(exam, mapped):
    if not isinstance(mapped, list):
        exam.fail(f"map was to return a list, but returned {mapped}")
    return mapped


def taken_or_refused(exam, seen):
    exam.equal(seen["met"], [], "what they met")
    exam.equal(sorted(seen["ran"]), sorted(seen["taken"]), "the calls that have run are those whose submit returned a future")
    exam.equal(sorted(seen["over"]), sorted(seen["taken"]), "the futures that are over are those that submit returned")


def run_or_cancelled(exam, seen):
    one, other = seen["cancelled"]
    exam.equal(other, one, "what the second cancel() gave, as compared with the first one")
    if one is True:
        exam.equal(seen["ran"], [], "cancel() returned True: what has run")
        exam.equal(seen["outcome"], "Cancelled", "cancel() returned True: what result() gave")
    else:
        exam.equal(one, False, "what cancel() gave")
        exam.equal(len(seen["ran"]), 1, "cancel() returned False: how many times it has run")
        exam.equal(seen["outcome"], seen["ran"][0], "cancel() returned False: what result() gave")


def gave_up_in_time(exam, seen, seconds):
    outcome, after, later = seen
    exam.equal(outcome, "TimeoutError", "what it gave")
    if not seconds <= after < seconds + 1:
        exam.fail(f"TimeoutError was to be raised {seconds} seconds after the call, but was {after:.1f} seconds after it")
    exam.equal(later, False, "what result() without a time-out gave later; the call returned False")
